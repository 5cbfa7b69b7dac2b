//! Netlink, as far as the packet filters of Linux are spoken to by it: messages of attributes, a socket that waits for what the
//! kernel answers, and who else changed something.
//!
//! For back ends; what the messages say is theirs. Who wants to filter packets takes `oc2-actuator-nftables` or
//! `oc2-actuator-iptables`.
//!
//! ```
//! use oc2_netlink::{Attributes, Header, Writer, messages};
//!
//! let mut writer = Writer::default();
//! writer.message(Header { kind: 2560, flags: 1, sequence: 7, family: 1, resource: 0 }, |w| w.put_text(1, "openc2"));
//! let message = messages(&writer.octets).next().unwrap();
//! assert_eq!(Attributes::of(&message).text(1), Some("openc2"));
//! ```

mod attributes;
mod socket;

pub use attributes::{Attributes, Header, Message, Writer, messages};
pub use socket::{ACK, DUMP, Failure, REQUEST, Socket, wait};
