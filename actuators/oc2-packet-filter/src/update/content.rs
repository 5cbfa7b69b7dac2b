//! What stands in the file of an update: a JSON array of OpenC2 commands, each an allow or a deny.

use std::collections::BTreeSet;
use std::fmt;

use oc2_core::profile::CommonArg;
use oc2_core::shape::read::{Context, ReadError, Seed, Segment};
use oc2_core::{Command, CommandRow, Mode, Profile, Rejection, ResponseType};
use oc2_profile_slpf::{Command as SlpfCommand, RuleNumber, Slpf};
use serde::de::{Deserializer as _, Error, SeqAccess, Visitor};
use serde_json::Deserializer;

use crate::config::Config;
use crate::plan::NewRule;

/// The rules of the file, in its order.
///
/// # Errors
/// It is not such a list: where, and why.
pub(super) fn read(bytes: &[u8], config: &Config) -> Result<Vec<NewRule>, ReadError> {
    let text = str::from_utf8(bytes)
        .map_err(|error| ReadError::new(format!("not UTF-8 from byte {} on", error.valid_up_to())))?;
    let mut context = Context::new(Mode::Strict);
    let mut json = Deserializer::from_str(text);
    let rules = Rules { context: &mut context, config };
    let rules = json.deserialize_any(rules).map_err(|error| read_error(&error, &mut context))?;
    json.end().map_err(|error| read_error(&error, &mut context))?;
    Ok(rules)
}

/// Line and column where the text is no JSON, else the place in it.
fn read_error(error: &serde_json::Error, context: &mut Context) -> ReadError {
    let message = error.to_string();
    if !error.is_data() {
        return ReadError::new(format!("not JSON: {message}"));
    }
    context.fail(message.rfind(" at line ").map_or(&*message, |end| &message[..end]))
}

struct Rules<'a> {
    context: &'a mut Context,
    config: &'a Config,
}

impl<'de> Visitor<'de> for Rules<'_> {
    type Value = Vec<NewRule>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of commands")
    }

    /// Each command becomes a rule at once: the commands themselves would take a multiple of the memory.
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<NewRule>, A::Error> {
        let Self { context, config } = self;
        let mut rules = Vec::new();
        let mut placed = BTreeSet::new();
        loop {
            let rule = context.at(Segment::Index(rules.len()), |context| {
                let Some(command) = seq.next_element_seed(Seed::<Command>::new(context))? else { return Ok(None) };
                rule(command, config, &mut placed).map(Some).map_err(A::Error::custom)
            });
            match rule? {
                None => return Ok(rules),
                Some(_) if rules.len() == MAX_RULES => {
                    return Err(A::Error::custom(format_args!("more than {MAX_RULES} commands")));
                }
                Some(rule) => rules.push(rule),
            }
        }
    }
}

/// What a command asks for, if it is one that may stand in a file.
fn rule(command: Command, config: &Config, placed: &mut BTreeSet<RuleNumber>) -> Result<NewRule, Rejection> {
    row(&command, config)?.admit::<Slpf>(&command.args, &config.disabled_args)?;
    if let Some(actuator) = &command.actuator
        && !actuator.of::<Slpf>()?.is_some_and(|specifiers| config.is_addressed_by(&specifiers))
    {
        return Err(Rejection::malformed("actuator: this is not the one that is meant"));
    }
    let rule = match Slpf::interpret(&with_complete(command)?)? {
        SlpfCommand::Allow(rule) => NewRule::allow(rule, &config.mode)?,
        SlpfCommand::Deny { rule, drop_process } => NewRule::deny(rule, drop_process, &config.mode)?,
        SlpfCommand::Delete(_) | SlpfCommand::Update(_) => return Err(not_a_rule()),
    };
    match rule.insert_rule {
        Some(number) if !placed.insert(number) => {
            Err(Rejection::malformed(format!("args.slpf.insert_rule: {number} stands twice")))
        }
        _ => Ok(rule),
    }
}

/// A row as it is in a file: without the times, which a rule set does not have.
fn row(command: &Command, config: &Config) -> Result<CommandRow, Rejection> {
    let pair = command.pair();
    let row = Slpf::COMMANDS.iter().find(|row| row.pair() == pair && config.supports(pair)).ok_or_else(not_a_rule)?;
    if row.own.is_empty() {
        return Err(not_a_rule());
    }
    Ok(CommandRow { common: &[CommonArg::ResponseRequested], ..*row })
}

/// Nobody is answered for a command in a file; with `complete`, `insert_rule` is in order (SLPF 2.3.1).
fn with_complete(command: Command) -> Result<Command, Rejection> {
    let args = command.args.clone().into_builder().response_requested(ResponseType::Complete).build();
    Ok(command.with_args(args.map_err(|invalid| Rejection::malformed(invalid.to_string()))?))
}

fn not_a_rule() -> Rejection {
    Rejection::malformed("a file of rules holds allow and deny of nets and connections only")
}

/// As many as the kernel takes within a transaction's time.
const MAX_RULES: usize = 100_000;
