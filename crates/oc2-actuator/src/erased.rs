//! The object-safe twin of [`Actuator`], for programs that hold several of different profiles.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use oc2_core::any::Any;
use oc2_core::{Command, CommandRow, Nsid, Pair, Profile, Rejection, Terms};

use crate::actuator::{Actuator, Context};
use crate::receipt::Receipt;
use crate::undo::Undo;

/// Any actuator. Clones are the same actuator.
#[derive(Clone)]
pub struct AnyActuator(Arc<dyn Erased>);

/// What an actuator made of a Command: the results of its profile, if there are any.
pub type Outcome = Result<Option<Any>, Rejection>;

impl AnyActuator {
    /// Erases the type of an actuator.
    pub fn new(actuator: impl Actuator) -> Self {
        Self(Arc::new(Holder::new(actuator)))
    }

    /// The namespace of its profile.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.0.nsid()
    }

    /// The pairs it supports.
    #[must_use]
    pub fn pairs(&self) -> &[Pair] {
        self.0.pairs()
    }

    /// The pair of a Command as its profile lists it: a target that came by its id has its name there.
    #[must_use]
    pub fn pair_of(&self, command: &Command) -> Pair {
        self.0.pair_of(command)
    }

    /// What a policy can speak of in the commands of its profile.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.0.terms()
    }

    /// The sentence of the profile for a pair that it defines and this actuator does not support.
    #[must_use]
    pub fn unsupported(&self, pair: Pair) -> Option<&'static str> {
        self.0.unsupported(pair)
    }

    /// Whether the `actuator` member of a Command means this one; a Command without means every actuator.
    ///
    /// # Errors
    /// The specifiers are ill-typed.
    pub fn is_addressed(&self, command: &Command) -> Result<bool, Rejection> {
        self.0.is_addressed(command)
    }

    /// Checks and understands a Command, without effects.
    ///
    /// # Errors
    /// The pair or an argument is not supported, something is ill-typed, or the profile or actuator refuses.
    pub async fn prepare(&self, command: &Command, context: Context) -> Result<Prepared, Rejection> {
        self.0.prepare(command, context).await
    }

    /// Undoes a Command by what was noted when it was performed, with what is to be written of that.
    ///
    /// # Errors
    /// As [`Actuator::undo`].
    pub async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection> {
        self.0.undo(note, receipt).await
    }
}

impl fmt::Debug for AnyActuator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyActuator({})", self.nsid())
    }
}

/// A Command that an actuator has understood and is ready to perform.
pub struct Prepared {
    undo: Undo,
    keeps_receipt: bool,
    perform: Pin<Box<dyn Future<Output = Outcome> + Send>>,
}

impl Prepared {
    fn new<A: Actuator>(actuator: &Arc<A>, command: <A::Profile as Profile>::Command, context: Context) -> Self {
        let undo = context.undo.clone();
        let keeps_receipt = context.receipt.as_ref().is_some_and(|receipt| actuator.keeps(receipt));
        let actuator = Arc::clone(actuator);
        let perform = Box::pin(async move { Ok(actuator.perform(command, context).await?.map(Any::typed)) });
        Self { undo, keeps_receipt, perform }
    }

    /// Where it notes how to undo it.
    #[must_use]
    pub fn undo(&self) -> Undo {
        self.undo.clone()
    }

    /// Whether the receipt in its context will be durable with its effects.
    #[must_use]
    pub fn keeps_receipt(&self) -> bool {
        self.keeps_receipt
    }

    /// Performs the Command.
    ///
    /// # Errors
    /// The Command was not performed.
    pub async fn perform(self) -> Outcome {
        self.perform.await
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

#[async_trait]
trait Erased: Send + Sync {
    fn nsid(&self) -> Nsid;
    fn pairs(&self) -> &[Pair];
    fn pair_of(&self, command: &Command) -> Pair;
    fn terms(&self) -> Terms;
    fn unsupported(&self, pair: Pair) -> Option<&'static str>;
    fn is_addressed(&self, command: &Command) -> Result<bool, Rejection>;
    async fn prepare(&self, command: &Command, context: Context) -> Result<Prepared, Rejection>;
    async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection>;
}

struct Holder<A> {
    actuator: Arc<A>,
    /// What it supports, which does not change.
    rows: Vec<&'static CommandRow>,
    pairs: Vec<Pair>,
}

impl<A: Actuator> Holder<A> {
    fn new(actuator: A) -> Self {
        let rows = actuator.commands();
        let pairs = rows.iter().map(|row| row.pair()).collect();
        Self { actuator: Arc::new(actuator), rows, pairs }
    }

    /// The row of a pair, or what its profile says where it is not supported.
    fn row(&self, pair: Pair) -> Result<&'static CommandRow, Option<&'static str>> {
        if let Some(place) = self.pairs.iter().position(|known| *known == pair) {
            return Ok(self.rows[place]);
        }
        Err(A::Profile::COMMANDS.iter().find(|row| row.pair() == pair).map(|row| row.unsupported))
    }
}

#[async_trait]
impl<A: Actuator> Erased for Holder<A> {
    fn nsid(&self) -> Nsid {
        A::Profile::NSID
    }

    fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    fn pair_of(&self, command: &Command) -> Pair {
        command.pair_in::<A::Profile>()
    }

    fn terms(&self) -> Terms {
        Terms::of::<A::Profile>()
    }

    fn unsupported(&self, pair: Pair) -> Option<&'static str> {
        self.row(pair).err().flatten()
    }

    fn is_addressed(&self, command: &Command) -> Result<bool, Rejection> {
        let Some(actuator) = &command.actuator else { return Ok(true) };
        let specifiers = actuator.of::<A::Profile>()?;
        Ok(specifiers.is_some_and(|specifiers| self.actuator.is_addressed(&specifiers)))
    }

    async fn prepare(&self, command: &Command, context: Context) -> Result<Prepared, Rejection> {
        let row = self
            .row(command.pair_in::<A::Profile>())
            .map_err(|sentence| Rejection::unsupported(sentence.unwrap_or("Target type not supported")))?;
        row.admit::<A::Profile>(&command.args, self.actuator.unsupported_args())?;
        let understood = A::Profile::interpret(command)?;
        self.actuator.check(&understood, &context).await?;
        Ok(Prepared::new(&self.actuator, understood, context))
    }

    async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection> {
        self.actuator.undo(note, receipt).await
    }
}
