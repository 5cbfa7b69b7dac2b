//! What a Command asks for (LS 3.3.1.1).

use crate::enumerated;

enumerated! {
    /// The task or activity to be performed (LS 3.3.1.1). The list is closed: nothing extends it (LS 3.1.4).
    pub enum Action: "Action" in "LS 3.3.1.1 (LS-095)" {
        /// Examine systematically for characteristics of an object.
        Scan = 1 "scan",
        /// Find an object physically, logically, functionally, or by organization.
        Locate = 2 "locate",
        /// Ask for information.
        Query = 3 "query",
        /// Prevent an event or action from completion.
        Deny = 6 "deny",
        /// Isolate so that an entity cannot modify or access assets.
        Contain = 7 "contain",
        /// Permit access to or execution of a target.
        Allow = 8 "allow",
        /// Begin a process, application, system, or activity.
        Start = 9 "start",
        /// Halt a system or end an activity.
        Stop = 10 "stop",
        /// Stop, then start.
        Restart = 11 "restart",
        /// Make a Command that was issued before void.
        Cancel = 14 "cancel",
        /// Change a value, configuration, or state.
        Set = 15 "set",
        /// Have a component retrieve, install, process, and operate according to an update.
        Update = 16 "update",
        /// Change the flow of traffic to a destination other than its own.
        Redirect = 18 "redirect",
        /// Add a new entity.
        Create = 19 "create",
        /// Remove an entity.
        Delete = 20 "delete",
        /// Execute and observe in an isolated environment.
        Detonate = 22 "detonate",
        /// Return to a known state.
        Restore = 23 "restore",
        /// Duplicate an object, file, data flow, or artifact.
        Copy = 28 "copy",
        /// Have information aggregated and reported on a security event.
        Investigate = 30 "investigate",
        /// Have a vulnerability or attack removed.
        Remediate = 32 "remediate",
    }
}
