//! One event per Command, whatever its end (ARCH B.3).

use std::time::Instant;

use oc2_core::types::text::RequestId;
use oc2_core::{Command, Response, StatusCode};
use oc2_transfer::{Peer, Request};

/// What is told about a Command when it ends.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    started: Instant,
    peer: Peer,
    from: Option<String>,
    request_id: Option<String>,
    command_id: Option<String>,
    command: Option<String>,
}

impl Record {
    pub(crate) fn new(request: &Request) -> Self {
        Self::of(request.peer.clone(), request.request_id.clone())
    }

    pub(crate) fn of(peer: Peer, request_id: Option<String>) -> Self {
        Self { started: Instant::now(), peer, from: None, request_id, command_id: None, command: None }
    }

    pub(crate) fn sent_by(&mut self, from: Option<&String>) {
        self.from = from.cloned();
    }

    pub(crate) fn asked_under(&mut self, request_id: Option<&RequestId>) {
        self.request_id = request_id.map(ToString::to_string);
    }

    pub(crate) fn asked_for(&mut self, command: &Command) {
        self.command_id = command.command_id.as_ref().map(ToString::to_string);
        self.command = Some(command.pair().to_string());
    }

    /// Writes the event.
    pub(crate) fn end(&self, response: &Response) {
        let text = response.status_text.as_deref();
        let elapsed_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        macro_rules! event {
            ($level:ident, $sentence:literal) => {
                tracing::$level!(
                    target: "oc2::audit",
                    peer = %self.peer,
                    from = self.from.as_deref(),
                    request_id = self.request_id.as_deref(),
                    command_id = self.command_id.as_deref(),
                    command = self.command.as_deref(),
                    status = response.status.id(),
                    text,
                    elapsed_us,
                    $sentence
                )
            };
        }
        match response.status {
            StatusCode::Ok | StatusCode::Processing => event!(info, "Command performed."),
            StatusCode::InternalError => event!(error, "Command failed."),
            _ => event!(warn, "Command refused."),
        }
    }
}
