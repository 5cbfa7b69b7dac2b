//! Device (LS 3.4.1.2).

use crate::map;
use crate::types::text::{Hostname, IdnHostname};

map! {
    /// Something with an address (LS 3.4.1.2); at least one property is present.
    pub struct Device: "Device" in "LS 3.4.1.2 (LS-154)", sealed by DeviceBuilder {
        /// A hostname.
        optional hostname: Hostname = 1,
        /// An internationalized hostname.
        optional idn_hostname: IdnHostname = 2,
        /// An identifier within the Consumer's environment.
        optional device_id: String = 3,
    }
}
