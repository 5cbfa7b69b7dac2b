//! A real MQTT broker for tests: [`Mosquitto`] on a port of its own, stopped and started again with and without what it keeps;
//! [`Tap`], a wire to it that can be cut and hears every packet; [`RawClient`], a client that sends whatever it is told to;
//! [`Impostor`], for what no real broker does on request.
//!
//! Packets are written and taken apart here by code that shares nothing with the client under test, since the proof must not
//! be its own encoder. What a test finds wrong here ends it with a panic.
//!
//! ```no_run
//! use oc2_tests_broker::{Mosquitto, Tap};
//!
//! let Some(broker) = Mosquitto::start() else { return };
//! let tap = Tap::to(broker.port());
//! // A client connects to tap.port() ..
//! assert_eq!(tap.packets()[0].packet.connect().level, 5);
//! ```

mod certificates;
mod impostor;
mod mosquitto;
mod packet;
mod raw;
mod tap;
mod wait;

pub use certificates::{Authority, Certificate, Order};
pub use impostor::Impostor;
pub use mosquitto::{Builder, Mosquitto};
pub use packet::{Connect, Kind, Packet, Publish, Subscribe};
pub use raw::{Draft, RawClient};
pub use tap::{Direction, Seen, Tap};
pub use wait::{PATIENCE, wait_until};
