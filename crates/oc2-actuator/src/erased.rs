//! The object-safe twin of [`Actuator`], for programs that hold several of different profiles.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use oc2_core::any::Any;
use oc2_core::{Command, Nsid, Pair, Profile, Rejection, Terms};

use crate::actuator::{Actuator, Context, nsid_of, row_of};
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
        Self(Arc::new(Holder(Arc::new(actuator))))
    }

    /// The namespace of its profile.
    #[must_use]
    pub fn nsid(&self) -> Nsid {
        self.0.nsid()
    }

    /// The pairs it supports.
    #[must_use]
    pub fn pairs(&self) -> Vec<Pair> {
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
pub struct Prepared(Box<dyn Ready>);

impl Prepared {
    /// Where it notes how to undo it.
    #[must_use]
    pub fn undo(&self) -> Undo {
        self.0.undo()
    }

    /// Whether the receipt in its context will be durable with its effects.
    #[must_use]
    pub fn keeps_receipt(&self) -> bool {
        self.0.keeps_receipt()
    }

    /// Performs the Command.
    ///
    /// # Errors
    /// The Command was not performed.
    pub async fn perform(self) -> Outcome {
        self.0.perform().await
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
    fn pairs(&self) -> Vec<Pair>;
    fn pair_of(&self, command: &Command) -> Pair;
    fn terms(&self) -> Terms;
    fn unsupported(&self, pair: Pair) -> Option<&'static str>;
    fn is_addressed(&self, command: &Command) -> Result<bool, Rejection>;
    async fn prepare(&self, command: &Command, context: Context) -> Result<Prepared, Rejection>;
    async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection>;
}

#[async_trait]
trait Ready: Send {
    fn undo(&self) -> Undo;
    fn keeps_receipt(&self) -> bool;
    async fn perform(self: Box<Self>) -> Outcome;
}

struct Holder<A>(Arc<A>);

#[async_trait]
impl<A: Actuator> Erased for Holder<A> {
    fn nsid(&self) -> Nsid {
        nsid_of(&*self.0)
    }

    fn pairs(&self) -> Vec<Pair> {
        self.0.commands().into_iter().map(oc2_core::CommandRow::pair).collect()
    }

    fn pair_of(&self, command: &Command) -> Pair {
        command.pair_in::<A::Profile>()
    }

    fn terms(&self) -> Terms {
        Terms::of::<A::Profile>()
    }

    fn unsupported(&self, pair: Pair) -> Option<&'static str> {
        row_of(&*self.0, pair).err().flatten()
    }

    fn is_addressed(&self, command: &Command) -> Result<bool, Rejection> {
        let Some(actuator) = &command.actuator else { return Ok(true) };
        let specifiers = actuator.of::<A::Profile>()?;
        Ok(specifiers.is_some_and(|specifiers| self.0.is_addressed(&specifiers)))
    }

    async fn prepare(&self, command: &Command, context: Context) -> Result<Prepared, Rejection> {
        let row = row_of(&*self.0, command.pair_in::<A::Profile>())
            .map_err(|sentence| Rejection::unsupported(sentence.unwrap_or("Target type not supported")))?;
        row.admit::<A::Profile>(&command.args, self.0.unsupported_args())?;
        let understood = A::Profile::interpret(command)?;
        self.0.check(&understood, &context).await?;
        Ok(Prepared(Box::new(Understood { actuator: Arc::clone(&self.0), command: understood, context })))
    }

    async fn undo(&self, note: &[u8], receipt: Option<Receipt>) -> Result<(), Rejection> {
        self.0.undo(note, receipt).await
    }
}

struct Understood<A: Actuator> {
    actuator: Arc<A>,
    command: <A::Profile as Profile>::Command,
    context: Context,
}

#[async_trait]
impl<A: Actuator> Ready for Understood<A> {
    fn undo(&self) -> Undo {
        self.context.undo.clone()
    }

    fn keeps_receipt(&self) -> bool {
        self.context.receipt.as_ref().is_some_and(|receipt| self.actuator.keeps(receipt))
    }

    async fn perform(self: Box<Self>) -> Outcome {
        let Self { actuator, command, context } = *self;
        Ok(actuator.perform(command, context).await?.map(Any::typed))
    }
}
