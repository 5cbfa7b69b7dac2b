//! Who is told what becomes of Commands: audit files, metrics.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use oc2_core::{Pair, Rejection, Response};
use oc2_transfer::Peer;

use crate::settings::Settings;

/// Is told how each Command ends. Implementations write `async fn`.
///
/// Everything but [`settled`](Self::settled) is called where nothing may wait.
pub trait Observer: Send + Sync + 'static {
    /// Whether Commands may be taken on, which is asked before each. Default: yes.
    ///
    /// # Errors
    /// 503: what becomes of them could not be recorded.
    fn admit(&self) -> Result<(), Rejection> {
        Ok(())
    }

    /// A message was dealt with: told once of each, before it is answered unless the answer is that it is under way.
    fn ended(&self, ended: &Ended<'_>);

    /// The Consumer behaves differently from now on. Default: of no interest.
    fn reconfigured(&self, _settings: &Settings) {}

    /// Ready once what was told is kept, or cannot be; answers wait for it. Default: at once.
    fn settled(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// How a Command, or what was to be one, ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ended<'a> {
    /// In which way.
    pub end: End,
    /// Who asked.
    pub peer: &'a Peer,
    /// The id of the key that the message was signed with.
    pub key_id: Option<&'a str>,
    /// Who asked, as the message says.
    pub from: Option<&'a str>,
    /// Under which id.
    pub request_id: Option<&'a str>,
    /// The name that the Producer gave the Command.
    pub command_id: Option<&'a str>,
    /// Action and target type, once they could be read.
    pub pair: Option<Pair>,
    /// Whether it is among those that this Consumer supports.
    pub is_supported: bool,
    /// The target as JSON, cut to a decent length.
    pub target: Option<&'a str>,
    /// The outcome, if there is one.
    pub response: Option<&'a Response>,
    /// From its arrival to its end.
    pub elapsed: Duration,
}

/// The ways in which a Command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// It was performed.
    Performed,
    /// It was made void by its Producer before its time.
    Cancelled,
    /// Others are meant, and nobody hears from us.
    NotMeant,
    /// It was asked for before, and answered again.
    Repeated,
    /// It was not performed: malformed, unauthenticated, forbidden, not supported, not now.
    Refused,
    /// Something unexpected happened.
    Failed,
    /// It waits for its time; the next process performs it, and tells of it again.
    Kept,
    /// Cut off by the end of the program, or by a panic; it may have been performed.
    CutOff,
}

impl End {
    /// In one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Performed => "performed",
            Self::Cancelled => "cancelled",
            Self::NotMeant => "not_meant",
            Self::Repeated => "repeated",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Kept => "kept",
            Self::CutOff => "cut_off",
        }
    }
}

/// All observers of a Consumer.
#[derive(Clone, Default)]
pub(crate) struct Observers {
    all: Arc<[Box<dyn AnyObserver>]>,
    pairs: Arc<[Pair]>,
}

impl Observers {
    pub(crate) fn new(all: Vec<Box<dyn AnyObserver>>, pairs: impl Iterator<Item = Pair>) -> Self {
        Self { all: all.into(), pairs: pairs.collect() }
    }

    /// Whether nobody listens.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn supports(&self, pair: Pair) -> bool {
        self.pairs.contains(&pair)
    }

    pub(crate) fn admit(&self) -> Result<(), Rejection> {
        self.all.iter().try_for_each(|observer| observer.admit())
    }

    pub(crate) fn ended(&self, ended: &Ended<'_>) {
        self.all.iter().for_each(|observer| observer.ended(ended));
    }

    pub(crate) fn reconfigured(&self, settings: &Settings) {
        self.all.iter().for_each(|observer| observer.reconfigured(settings));
    }

    pub(crate) async fn settled(&self) {
        for observer in &*self.all {
            observer.settled().await;
        }
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observers({})", self.all.len())
    }
}

/// The object-safe twin of [`Observer`].
#[async_trait]
pub(crate) trait AnyObserver: Send + Sync {
    fn admit(&self) -> Result<(), Rejection>;
    fn ended(&self, ended: &Ended<'_>);
    fn reconfigured(&self, settings: &Settings);
    async fn settled(&self);
}

#[async_trait]
impl<O: Observer> AnyObserver for O {
    fn admit(&self) -> Result<(), Rejection> {
        Observer::admit(self)
    }

    fn ended(&self, ended: &Ended<'_>) {
        Observer::ended(self, ended);
    }

    fn reconfigured(&self, settings: &Settings) {
        Observer::reconfigured(self, settings);
    }

    async fn settled(&self) {
        Observer::settled(self).await;
    }
}

/// Whoever keeps a handle on it may hand in another.
impl<O: Observer> Observer for Arc<O> {
    fn admit(&self) -> Result<(), Rejection> {
        O::admit(self)
    }

    fn ended(&self, ended: &Ended<'_>) {
        O::ended(self, ended);
    }

    fn reconfigured(&self, settings: &Settings) {
        O::reconfigured(self, settings);
    }

    fn settled(&self) -> impl Future<Output = ()> + Send {
        O::settled(self)
    }
}
