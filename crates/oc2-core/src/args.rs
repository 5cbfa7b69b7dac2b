//! How, when and with what answer a Command is to be performed (LS 3.3.1.4).

use crate::any::{Any, Key, Others};
use crate::invalid::Invalid;
use crate::nsid::Nsid;
use crate::profile::Profile;
use crate::shape::read::{Context, NULL, Read, ReadError, Segment, clauses};
use crate::shape::{Part, Room};
use crate::types::time::{DateTime, Duration, Window};
use crate::{enumerated, map};

map! {
    /// The arguments of a Command (LS 3.3.1.4). Empty arguments are absent on the wire.
    pub struct Args: "Args" in "LS 3.3.1.4 (LS-119)", sealed by ArgsBuilder checked by times_agree {
        /// When the Command takes effect. Absent means now, or `stop_time - duration` if both are given.
        optional start_time: DateTime = 1,
        /// When its effect ends. Absent means never, or `start_time + duration`.
        optional stop_time: DateTime = 2,
        /// How long it has effect. Absent means for ever, or `stop_time - start_time`.
        optional duration: Duration = 3,
        /// Which answer is wanted. Absent means `complete`.
        optional response_requested: ResponseType = 4,
    } others
    /// Arguments of profiles, each an object in the profile's namespace (LS 3.1.4).
    namespaces: NAMESPACES
}

enumerated! {
    /// Which answer a Producer wants (LS 3.4.2.15).
    pub enum ResponseType: "Response-Type" in "LS 3.4.2.15 (LS-201)" {
        /// None, whatever happens.
        None = 0 "none",
        /// One, at once, that the Command was received.
        Ack = 1 "ack",
        /// One with the present state of the execution.
        Status = 2 "status",
        /// One when everything is done.
        Complete = 3 "complete",
    }
}

impl Args {
    /// The arguments of the profile `P`; `None` if there are none.
    ///
    /// # Errors
    /// They are there and ill-typed.
    pub fn of<P: Profile>(&self) -> Result<Option<P::Args>, ReadError> {
        self.namespaces.value(P::NSID.as_str()).map(Any::of).transpose().map_err(placed::<P>)
    }

    pub(crate) fn check<P: Profile>(&self) -> Result<(), Vec<ReadError>> {
        let namespace = self.namespaces.value(P::NSID.as_str());
        namespace.map_or(Ok(()), Any::check::<P::Args>).map_err(|errors| errors.into_iter().map(placed::<P>).collect())
    }

    pub(crate) fn with_typed<P: Profile>(mut self, args: P::Args) -> Self {
        self.namespaces.set(P::NSID, Any::typed(args));
        self
    }

    /// Which answer is wanted; `complete` if nothing is said (LS 3.3.1.4).
    #[must_use]
    pub fn response_wanted(&self) -> ResponseType {
        self.response_requested.unwrap_or(ResponseType::Complete)
    }

    /// From when until when the Command has effect, if it is received at `now`.
    ///
    /// # Errors
    /// `now + duration` lies beyond 2^53 - 1 milliseconds (DECISIONS L14).
    pub fn window(&self, now: DateTime) -> Result<Window, Invalid> {
        Window::resolve(self.start_time, self.stop_time, self.duration, now)
    }

    /// The same arguments as a builder.
    #[must_use]
    pub fn into_builder(self) -> ArgsBuilder {
        ArgsBuilder(self)
    }
}

impl Default for Args {
    fn default() -> Self {
        Self::builder().0
    }
}

impl ArgsBuilder {
    /// Sets the arguments of the profile `P`.
    #[must_use]
    pub fn set<P: Profile>(mut self, args: P::Args) -> Self {
        self.0 = self.0.with_typed::<P>(args);
        self
    }
}

fn placed<P: Profile>(error: ReadError) -> ReadError {
    error.within(Segment::Name(P::NSID.as_str())).within(Segment::Name("args"))
}

fn times_agree(args: &Args) -> Result<(), Invalid> {
    // What is wrong with the given times is wrong whatever the clock says.
    let now = args.start_time.or(args.stop_time).unwrap_or_default();
    args.window(now).map(|_| ())
}

/// A namespace is an object under a namespace identifier (LS 3.1.4, DECISIONS L31).
///
/// A name that is neither an argument nor an established namespace is kept whatever its form and value: to refuse it is
/// the Consumer's act (DECISIONS L2).
const NAMESPACES: Others = Others { admit: namespace, room: Room::Profiles(Part::Args) };

fn namespace(context: &mut Context, key: &Key, value: &Any) -> Result<Option<Key>, String> {
    context.meet_namespace(key).map_err(|error: ReadError| error.to_string())?;
    if value.is_null() {
        let res = context.tolerate(NULL);
        res.inspect_err(|_| context.blame(clauses::NULL)).map_err(|error: ReadError| error.to_string())?;
    }
    let nsid = Nsid::of_key(key);
    let is_namespace = value.is_object() || value.is_null();
    if nsid.is_some_and(|nsid| nsid.is_established()) && !is_namespace {
        context.blame(EXTENSIONS);
        return Err("a namespace holds an object".into());
    }
    if context.checks_extensions() && !value.is_null() && !(nsid.is_some() && value.is_object()) {
        context.blame(if nsid.is_some() { ARGUMENTS } else { Nsid::shape().clause });
        return Err(format!("neither an argument ({}) nor a namespace with its object", Args::SHAPE.names()));
    }
    if let Some(nsid) = nsid.filter(|_| !value.is_null()) {
        context.check_part(Part::Args, nsid, value);
    }
    Ok(nsid.filter(|_| matches!(key, Key::Number(_))).map(Key::from))
}

const ARGUMENTS: &str = "LS 3.3.1.4 (LS-119), LS 3.1.4 (LS-039)";
const EXTENSIONS: &str = "LS 3.1.4 (LS-039), DECISIONS L31";
