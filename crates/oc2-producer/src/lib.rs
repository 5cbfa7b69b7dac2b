//! An OpenC2 Producer: sends Commands over any transfer and reads the Responses (LS 5.3).
//!
//! Take this crate to command Consumers from a program; its binary `oc2-producer` does so from a shell. To be commanded take
//! `oc2-consumer`; to build the Commands of a profile take the profile's crate, for instance `oc2-profile-slpf`, because the
//! library knows none.
//!
//! ```
//! use std::sync::Arc;
//!
//! use oc2_core::{Feature, StatusCode};
//! use oc2_producer::Producer;
//! use oc2_transfer::MemoryTransfer;
//! # use oc2_core::{Content, Headers, Message, Mode, Response, Results, response::Versions, types::text::Version};
//! # use oc2_encoding::{Encoding, Json};
//! # use oc2_transfer::{Encoded, Handler, Refusal, Reply, Request};
//! #
//! # struct Consumer;
//! #
//! # impl Handler for Consumer {
//! #     async fn handle(&self, request: Request) -> Reply {
//! #         let decoded = Json.decode(&request.body, Mode::Strict).expect("a Command");
//! #         let id = decoded.message.headers.request_id().expect("an id").clone();
//! #         let versions = Versions::new(vec![Version::v1_0()]).expect("one version");
//! #         let results = Results::builder().versions(versions).build().expect("results");
//! #         let headers = Headers::builder().request_id(id).from("fw1").build().expect("headers");
//! #         let response = Message::response(headers, Response::new(StatusCode::Ok).with_results(results));
//! #         let bytes = Json.encode(&response, decoded.form).expect("bytes").into();
//! #         Reply::new(StatusCode::Ok, Encoded { bytes, media_type: Json.media_type() })
//! #     }
//! #
//! #     fn refuse(&self, refusal: Refusal) -> Reply {
//! #         Reply::empty(refusal.rejection.status())
//! #     }
//! # }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let consumer = Arc::new(Consumer);
//! // Over a network: `HttpTransfer::new("http://192.0.2.1:8080")?` of `oc2-transfer-http`.
//! let producer = Producer::builder(MemoryTransfer::to(consumer)).identity("operator@example.com").build();
//!
//! let received = producer.features([Feature::Versions]).await?;
//! assert_eq!(received.response.status, StatusCode::Ok);
//! let versions = received.response.results.versions().expect("what was asked for");
//! assert_eq!(versions.as_slice()[0].as_str(), "1.0");
//! assert_eq!(received.from(), Some("fw1"));
//! # Ok(())
//! # }
//! ```
//!
//! Where a transfer reaches many Consumers, [`Producer::broadcast`] gives the Responses of all of them.
//!
//! Every Command travels in a message of its own with a new id; Responses are matched to it by that id. What the standard
//! forbids a Producer is refused before anything is sent, unless [`Producer::dangerous`] says otherwise.
//!
//! Deadlines need a tokio runtime whose time driver is enabled.

// The program uses this library as anybody would.
#[cfg(feature = "bin")]
extern crate self as oc2_producer;

mod broadcast;
#[cfg(feature = "bin")]
mod broker;
#[cfg(feature = "bin")]
mod cli;
mod commands;
#[cfg(feature = "bin")]
mod compose;
mod error;
#[cfg(feature = "bin")]
mod failure;
#[cfg(all(feature = "bin", feature = "mqtt"))]
mod fleet;
#[cfg(all(feature = "bin", feature = "http"))]
mod http;
#[cfg(feature = "bin")]
mod identity;
#[cfg(all(feature = "bin", feature = "mqtt"))]
mod mqtt;
#[cfg(feature = "bin")]
mod options;
mod pending;
mod prepared;
mod producer;
#[cfg(feature = "bin")]
pub mod program;
mod received;
#[cfg(feature = "bin")]
mod render;
#[cfg(all(feature = "bin", feature = "mqtt"))]
mod screen;
#[cfg(feature = "bin")]
mod security;
#[cfg(feature = "bin")]
mod send;
mod signing;
#[cfg(all(feature = "bin", feature = "mqtt"))]
mod tally;
#[cfg(feature = "bin")]
mod time;
#[cfg(feature = "bin")]
mod validate;

pub use broadcast::{Broadcast, Responses};
pub use error::{AnswerError, ProducerError};
pub use pending::Exchange;
pub use prepared::Prepared;
pub use producer::{Dangerous, Identified, Producer, ProducerBuilder, WantsIdentity};
pub use received::Received;
