//! The Consumer, from messages to answers, over the transfer in memory. What the network adds is tested in `oc2-tests`.

mod about;
mod ahead;
mod answers;
mod audit;
#[cfg(feature = "audit")]
mod audit_file;
#[cfg(feature = "cedar")]
mod cedar;
mod daemon;
mod dispatch;
mod forms;
mod harness;
mod later;
mod messages;
mod overload;
mod pairs;
#[cfg(feature = "policy")]
mod policy;
mod query_features;
#[cfg(all(feature = "durable", feature = "packet-filter"))]
mod receipts;
#[cfg(feature = "durable")]
mod remembered;
mod replay;
#[cfg(feature = "signature")]
mod signatures;
mod slpf;
mod time;
