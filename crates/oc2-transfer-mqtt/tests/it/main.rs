//! The transfer against a real broker: mosquitto, started for each test. Where it is not installed the tests say so and pass;
//! with `CI` in the environment they fail.

mod access;
mod conform;
mod fleet;
mod harness;
mod later;
mod messages;
mod outages;
mod pace;
mod packets;
mod promises;
mod tls;
