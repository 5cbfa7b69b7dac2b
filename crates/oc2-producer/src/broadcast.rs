//! One Command to many Consumers, and their Responses as they come (DECISIONS Q11).

use std::collections::HashMap;
use std::time::Duration;

use oc2_core::types::text::RequestId;

use crate::error::ProducerError;
use crate::pending::Exchange;
use crate::prepared::Prepared;
use crate::producer::{LONGEST_TIMEOUT, Producer};
use crate::received::Received;

/// A Command for as many Consumers as the transfer reaches, not sent yet. See [`Producer::broadcast`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Broadcast<'p> {
    producer: &'p Producer,
    prepared: Prepared,
    expected: Option<usize>,
    timeout: Duration,
}

impl<'p> Broadcast<'p> {
    pub(crate) fn new(producer: &'p Producer, prepared: Prepared, timeout: Duration) -> Self {
        Self { producer, prepared, expected: None, timeout }
    }

    /// How many Consumers there are: when so many have given their last word, nobody else is waited for. By default that is not
    /// known, and Responses come until the deadline.
    pub fn expected(self, n_consumers: usize) -> Self {
        Self { expected: Some(n_consumers), ..self }
    }

    /// How long Responses may come, from [`send`](Self::send) on, 24 hours at most. Default that of the Producer.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(LONGEST_TIMEOUT), ..self }
    }

    /// The message.
    #[must_use]
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Sends the Command. Sent again it is the same Command, which a Consumer performs once (DECISIONS M12).
    ///
    /// # Errors
    /// It did not get through.
    pub async fn send(&self) -> Result<Responses, ProducerError> {
        let exchange = self.producer.exchange_for(&self.prepared, self.expected, self.timeout).await?;
        Ok(Responses { exchange, expected: self.expected, consumers: HashMap::new(), n_final: 0 })
    }
}

/// The Responses of several Consumers to one Command, as they come: told apart by `from` (MQTT 2.4.2), each given once.
///
/// Of each Consumer there is one 102, if it sends one first, and one last word; whatever it says after that is dropped, and so is
/// what comes twice. Consumers that do not say who they are count as one.
#[derive(Debug)]
pub struct Responses {
    exchange: Exchange,
    expected: Option<usize>,
    consumers: HashMap<Option<String>, Standing>,
    n_final: usize,
}

/// What a Consumer has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Interim,
    Final,
}

impl Responses {
    /// The next Response, with who it is [from](Received::from) and whether it is their [last word](Received::is_final), or why
    /// an answer is none. `None` when as many as expected have given their last word, when the time is over, and where nobody
    /// else can answer. Where no answer is wanted, only what is there already is given.
    pub async fn next(&mut self) -> Option<Result<Received, ProducerError>> {
        while !self.is_complete() {
            match self.exchange.next().await? {
                Ok(received) if !self.note(&received) => {}
                other => return Some(other),
            }
        }
        None
    }

    /// The id of the Command.
    #[must_use]
    pub fn request_id(&self) -> &RequestId {
        self.exchange.request_id()
    }

    /// How many Consumers have answered, be it with 102.
    #[must_use]
    pub fn n_answered(&self) -> usize {
        self.consumers.len()
    }

    /// How many Consumers have given their last word.
    #[must_use]
    pub fn n_final(&self) -> usize {
        self.n_final
    }

    /// Whether as many as expected have given their last word; never, if it is not known how many there are.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.expected.is_some_and(|expected| self.n_final >= expected)
    }

    /// Notes who said something; says whether it is new.
    fn note(&mut self, received: &Received) -> bool {
        let standing = if received.is_final { Standing::Final } else { Standing::Interim };
        let from = received.from().map(str::to_owned);
        match (self.consumers.insert(from.clone(), standing), standing) {
            (None | Some(Standing::Interim), Standing::Final) => {
                self.n_final += 1;
                true
            }
            (None, Standing::Interim) => true,
            (Some(before), _) => {
                self.consumers.insert(from, before);
                false
            }
        }
    }
}
