//! What the bench of the engine is made of: `cargo xtask bench engine`.
//!
//! The subject is the daemon as it ships, in a network namespace of its own, with its state on a disk. What it is compared with
//! is measured in the same run, in short rounds that take turns with it: machines are noisy, ratios less so.
//!
//! Whoever wants to start a Consumer in a test takes the harness of `oc2-tests`.

mod bare;
mod daemon;
mod floor;
mod kernel;
mod load;
mod message;
mod namespace;
mod plot;
mod prototype;
mod report;
mod statistics;

pub use bare::{BareServer, serve_constant};
pub use daemon::{Daemon, Host, Memory};
pub use floor::{Floor, nft};
pub use load::{Load, Run};
pub use message::{Kind, Rules, delete, deny, place, query_features, rule_number, update};
pub use namespace::Namespace;
pub use plot::{Curve, Plot, Style};
pub use prototype::{Prototype, serve_prototype};
pub use report::{Bar, Report, Row, Unit};
pub use statistics::{median, quantile};
