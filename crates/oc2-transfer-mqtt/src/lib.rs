//! OpenC2 over MQTT 5 (MQTT transfer 1.0): the Consumer's side is [`MqttListener`], the Producer's side [`MqttTransfer`].
//!
//! Take this crate to put something of your own behind a broker, or to bring messages as bytes to one Consumer, to all of a
//! profile, or to all; `oc2-consumer` and `oc2-producer` use it for you.
//!
//! ```no_run
//! use oc2_core::Nsid;
//! use oc2_transfer::{Outgoing, Transfer};
//! use oc2_transfer_mqtt::{Destination, MqttListener, MqttTransfer, Options, ProducerId, Session, Settings};
//!
//! # async fn example(handler: impl oc2_transfer::Handler) -> Result<(), Box<dyn std::error::Error>> {
//! // A Consumer, known to Producers as `zulu`, with the profile `slpf`.
//! let options = Options::new("mqtts://broker.example.com", Session::open("/var/lib/oc2/mqtt")?)?;
//! let listener = MqttListener::new(options, Settings::new("zulu".parse()?, [Nsid::SLPF]))?;
//!
//! // A Producer that asks it, and then everybody.
//! let options = Options::new("mqtts://broker.example.com", Session::open("/var/lib/oc2-producer/mqtt")?)?;
//! let zulu = MqttTransfer::new(options, "omega".parse::<ProducerId>()?, Destination::Device("zulu".parse()?))?;
//! let all = zulu.to(Destination::All);
//! let mut answers = all.exchange(Outgoing::new("{...}", "application/openc2+json;version=1.0")).await?;
//! while let Some(answer) = answers.next().await {
//!     println!("{} octets", answer?.body.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Features, all on by default: `server`, `client`, `aws-lc-rs` (or `ring`: the cryptography of `mqtts://`). A transfer never
//! looks into a Command; here it looks at the headers of a message, because MQTT brings answers to whoever hears them.
//!
//! What is promised: a request is acknowledged to the broker once its outcome is decided and its Response, if one is due, lies
//! with the broker. Until then the broker gives it again, to the next process under the same ClientID if need be. So a request may
//! come twice, and a [`Handler`](oc2_transfer::Handler) knows requests it has answered (DECISIONS M12).

#![cfg_attr(
    not(all(feature = "client", feature = "server")),
    allow(dead_code, reason = "one side alone has no use for what only the other one needs")
)]

#[cfg(feature = "client")]
mod client;
#[cfg(any(feature = "client", feature = "server"))]
mod connection;
mod error;
#[cfg(any(feature = "client", feature = "server"))]
mod flat;
#[cfg(any(feature = "client", feature = "server"))]
mod link;
#[cfg(feature = "server")]
mod listener;
mod options;
#[cfg(any(feature = "client", feature = "server"))]
mod properties;
mod session;
mod tls;
mod topics;
#[cfg(any(feature = "client", feature = "server"))]
mod wire;

#[cfg(feature = "client")]
pub use client::{Destination, MqttTransfer};
pub use error::SetupError;
#[cfg(feature = "server")]
pub use listener::{MqttListener, RespondTo, Settings, Standing};
pub use oc2_tls::{TlsError, Validity};
pub use options::{Broker, Credentials, KeepAlive, Options, Qos, Renewal};
pub use session::{ClientId, Session};
pub use tls::Tls;
pub use topics::{DeviceId, ProducerId, Topic};
