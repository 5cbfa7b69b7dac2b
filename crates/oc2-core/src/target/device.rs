//! Device (LS 3.4.1.2).

use crate::invalid::Invalid;
use crate::map;
use crate::types::text::{Hostname, IdnHostname};

map! {
    /// Something with an address (LS 3.4.1.2); at least one property is present.
    pub struct Device: "Device", sealed by DeviceBuilder checked by at_least_one {
        /// A hostname.
        optional hostname: Hostname = 1,
        /// An internationalized hostname.
        optional idn_hostname: IdnHostname = 2,
        /// An identifier within the Consumer's environment.
        optional device_id: String = 3,
    }
}

fn at_least_one(device: &Device) -> Result<(), Invalid> {
    if device.is_empty() {
        return Err(Invalid::new("at least one of hostname, idn_hostname, device_id is due"));
    }
    Ok(())
}
