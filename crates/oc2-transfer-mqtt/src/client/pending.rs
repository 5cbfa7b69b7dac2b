//! Exchanges under way, by request id.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use oc2_core::StatusCode;
use oc2_transfer::{Answer, Answers, TransferError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::connection::Token;
use crate::link::Publication;

/// Who waits for the answers, and before that for the broker to have the message unless errors may come in their place.
pub(super) struct Waiting {
    begun: Option<(Begun, Answers)>,
    answers: mpsc::Sender<Result<Answer, TransferError>>,
}

type Begun = oneshot::Sender<Result<Answers, TransferError>>;

impl Waiting {
    /// Who gets the answers when the broker has the message.
    pub(super) fn to_begin(begun: Begun) -> Self {
        let (waiting, answers) = Self::with_answers();
        Self { begun: Some((begun, answers)), ..waiting }
    }

    /// Who has them already.
    pub(super) fn with_answers() -> (Self, Answers) {
        let (answers, receiver) = mpsc::channel(MAX_UNREAD);
        (Self { begun: None, answers }, Answers::new(receiver))
    }

    fn fails(&mut self, error: TransferError) {
        // Whoever asked may be gone.
        match self.begun.take() {
            Some((begun, _)) => drop(begun.send(Err(error))),
            None => drop(self.answers.try_send(Err(error))),
        }
    }

    fn is_gone(&self) -> bool {
        self.answers.is_closed() || self.begun.as_ref().is_some_and(|(begun, _)| begun.is_closed())
    }
}

/// An exchange under way.
pub(super) struct Exchange {
    pub(super) publication: Publication,
    /// The publication that is not acknowledged yet.
    pub(super) token: Option<Token>,
    waiting: Waiting,
    has_begun: bool,
    /// Who answered what.
    seen: HashSet<(String, u64)>,
    /// Who has given the last word.
    finished: HashSet<String>,
    expected: Option<usize>,
    pub(super) times: Times,
}

/// When an exchange began, and how long it may take.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) begun: Instant,
    pub(super) timeout: Duration,
}

impl Times {
    fn end(self) -> Instant {
        self.begun + self.timeout
    }
}

impl Exchange {
    pub(super) fn new(publication: Publication, waiting: Waiting, expected: Option<usize>, times: Times) -> Self {
        Self {
            publication,
            token: None,
            waiting,
            has_begun: false,
            seen: HashSet::new(),
            finished: HashSet::new(),
            expected,
            times,
        }
    }

    /// The broker has the message, or an answer shows that it had it.
    pub(super) fn begins(&mut self) {
        self.has_begun = true;
        if let Some((begun, answers)) = self.waiting.begun.take() {
            // Whoever asked may be gone.
            let _ = begun.send(Ok(answers));
        }
    }

    /// The message will not get through. An exchange that has begun may have answers all the same.
    pub(super) fn fails(&mut self, error: TransferError) {
        if !self.has_begun {
            self.waiting.fails(error);
        }
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether nobody wants the answers any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.waiting.is_gone()
    }

    /// Gives an answer to whoever waits, once; says whether it was the last that is due.
    pub(super) fn answer(&mut self, from: String, status: u64, answer: Answer) -> bool {
        self.begins();
        if self.seen.insert((from.clone(), status))
            && self.waiting.answers.try_send(Ok(answer)).is_err()
            && !self.is_abandoned()
        {
            tracing::warn!(from, "More answers than anybody reads; one was thrown away.");
        }
        if status != u64::from(StatusCode::Processing.as_u16()) {
            self.finished.insert(from);
        }
        self.expected.is_some_and(|expected| self.finished.len() >= expected)
    }
}

/// Exchanges under way, by request id, by publication, and by when they end.
#[derive(Default)]
pub(super) struct Pending {
    exchanges: HashMap<String, Exchange>,
    ids: HashMap<Token, String>,
    ends: BTreeSet<(Instant, String)>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// Takes an exchange on, or gives it back if there is one under this id.
    pub(super) fn insert(&mut self, request_id: &str, exchange: Exchange) -> Result<(), Box<Exchange>> {
        if self.exchanges.contains_key(request_id) {
            return Err(Box::new(exchange));
        }
        self.ends.insert((exchange.times.end(), request_id.to_owned()));
        self.exchanges.insert(request_id.to_owned(), exchange);
        Ok(())
    }

    pub(super) fn get(&mut self, request_id: &str) -> Option<&mut Exchange> {
        self.exchanges.get_mut(request_id)
    }

    pub(super) fn remove(&mut self, request_id: &str) -> Option<Exchange> {
        let exchange = self.exchanges.remove(request_id)?;
        self.ends.remove(&(exchange.times.end(), request_id.to_owned()));
        if let Some(token) = exchange.token {
            self.ids.remove(&token);
        }
        Some(exchange)
    }

    /// Notes under which token the message of an exchange is being published.
    pub(super) fn publishes(&mut self, request_id: &str, token: Token) {
        if let Some(exchange) = self.exchanges.get_mut(request_id) {
            exchange.token = Some(token);
            self.ids.insert(token, request_id.to_owned());
        }
    }

    /// The exchange whose message was published under this token.
    pub(super) fn published(&mut self, token: Token) -> Option<(String, &mut Exchange)> {
        let request_id = self.ids.remove(&token)?;
        let exchange = self.exchanges.get_mut(&request_id)?;
        exchange.token = None;
        Some((request_id, exchange))
    }

    /// When the next exchange ends.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.ends.first().map(|(until, _)| *until)
    }

    /// Takes out the exchanges whose time is over.
    pub(super) fn ended(&mut self) -> Vec<Exchange> {
        let now = Instant::now();
        let mut ended = Vec::new();
        while let Some((_, request_id)) = self.ends.first().filter(|(until, _)| *until <= now).cloned() {
            ended.extend(self.remove(&request_id));
        }
        ended
    }

    /// The ids of those that this is true of.
    pub(super) fn ids_where(&self, is_meant: impl Fn(&Exchange) -> bool) -> Vec<String> {
        let meant = self.exchanges.iter().filter(|(_, exchange)| is_meant(exchange));
        meant.map(|(request_id, _)| request_id.clone()).collect()
    }
}

/// How many answers wait for somebody to read them.
const MAX_UNREAD: usize = 1 << 16;
