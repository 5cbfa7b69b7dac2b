//! Steps in our table, all or none.

use std::io;

use oc2_netlink::{Socket, Writer};

use super::wire;
use crate::op::Op;

/// Why a transaction failed. Nothing of it is done, unless the answer was lost.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The kernel refused this step.
    Refused { step: String, cause: io::Error },
    /// It could not be sent.
    Unsent(io::Error),
    /// It was sent, and what became of it is not known.
    Lost(io::Error),
}

/// Performs the steps in our table, all or none.
pub(crate) fn commit(socket: &mut Socket, table: &str, ops: impl IntoIterator<Item = Op>) -> Result<(), Failure> {
    let first = socket.next_sequence();
    let (mut batch, mut sequence, mut id) = (Writer::default(), first, 0);
    batch.message(wire::around(wire::BATCH_BEGIN, sequence), |_| {});
    sequence += 1;
    // Where the messages of each step begin, and what it is called.
    let mut begins = Vec::new();
    let mut last_message = 0;
    for op in ops {
        begins.push((sequence, op.to_string()));
        let start = batch.octets.len();
        wire::write(&op, table, &mut batch, &mut sequence, &mut id);
        last_message = last_message_of(&batch.octets[start..]).map_or(last_message, |at| start + at);
    }
    // The last step is acknowledged, and so all are.
    let flags = last_message + 6..last_message + 8;
    let acknowledged = u16::from_ne_bytes([batch.octets[flags.start], batch.octets[flags.start + 1]]) | wire::ACK;
    batch.octets[flags].copy_from_slice(&acknowledged.to_ne_bytes());
    let last = sequence - 1;
    batch.message(wire::around(wire::BATCH_END, sequence), |_| {});
    let step = |failed| match begins.partition_point(|(begin, _)| *begin <= failed).checked_sub(1) {
        Some(step) => begins[step].1.clone(),
        None => "the transaction".to_owned(),
    };
    socket.send(&batch.octets, first, last).map_err(|failure| match failure {
        oc2_netlink::Failure::Refused { sequence, cause } => Failure::Refused { step: step(sequence), cause },
        oc2_netlink::Failure::Unsent(cause) => Failure::Unsent(cause),
        oc2_netlink::Failure::Lost(cause) => Failure::Lost(cause),
    })
}

/// Where the last of some messages begins.
fn last_message_of(octets: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut last = None;
    while let Some(len) = octets.get(at..at + 4).and_then(|len| len.try_into().ok()).map(u32::from_ne_bytes) {
        last = Some(at);
        at += (len as usize).next_multiple_of(4);
    }
    last
}
