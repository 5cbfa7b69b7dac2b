//! From the command line to a Command.

mod slpf;
mod target;

use oc2_core::shape::read::{Context, Read};
use oc2_core::types::time::DateTime;
use oc2_core::{Action, Actuator, Args, Command, Mode, Nsid};
use oc2_profile_slpf::{self as slpf_types, AssetTuple, Slpf, Specifiers};
use serde_json::Deserializer;

use crate::cli::{Arguments, Cli, Parts, Verb};
use crate::failure::{ANYWAY, Failure};
use crate::options::{Addressee, RuleOptions};
use crate::time::Moment;

/// A Command, and what is odd about it.
#[derive(Debug)]
pub(crate) struct Composed {
    /// The Command.
    pub(crate) command: Command,
    /// In sentences for people.
    pub(crate) remarks: Vec<String>,
}

/// The Command that the command line asks for, if it is told at `now`; what the profile forbids a Producer is refused unless
/// it is asked for.
pub(crate) fn compose(action: Action, cli: &Cli, now: DateTime) -> Result<Composed, Failure> {
    let Parts { arguments, rule, addressee, connection, file } = &cli.parts;
    let target = cli.target.as_deref().ok_or_else(|| no_target(cli.verb))?;
    let target = target::target(target, &cli.values, connection, file)?;
    let command = Command {
        action,
        target,
        args: args(arguments, rule, now)?,
        actuator: actuator(addressee)?,
        command_id: arguments.command_id.clone(),
    };
    let mut remarks = Vec::new();
    remarks.extend(in_seconds("--start-time", arguments.start_time));
    remarks.extend(in_seconds("--stop-time", arguments.stop_time));
    if arguments.anyway {
        return Ok(Composed { command, remarks });
    }
    if slpf::is_pair(&command) {
        remarks.extend(slpf::remark(&command));
        let command = slpf::build(command).map_err(|error| Failure::usage(error).with_remedy(ANYWAY))?;
        return Ok(Composed { command, remarks });
    }
    match rule.given().next() {
        Some(option) => Err(not_for(option, &format!("allow and deny of packets, not for {}", command.pair()))),
        None => Ok(Composed { command, remarks }),
    }
}

/// Refuses options where there is nothing that they could be about.
pub(crate) fn refuse_all(parts: &Parts, what: &str) -> Result<(), Failure> {
    match parts.given().next() {
        Some(option) => Err(Failure::usage(format!("{what}, so {option} has no place"))),
        None => Ok(()),
    }
}

fn no_target(verb: Verb) -> Failure {
    let Verb::Action(action) = verb else { return Failure::usage("a TARGET is missing") };
    let example = match action {
        Action::Query => "query features versions pairs",
        Action::Delete => "delete slpf:rule_number 999990",
        Action::Update => "update file rules.json --path /etc/oc2/rules",
        _ => "deny ipv4_net 198.51.100.0/24",
    };
    Failure::usage(format!("{action} needs a TARGET")).with_remedy(format!("For instance: {example}"))
}

fn not_for(option: &str, use_of_it: &str) -> Failure {
    Failure::usage(format!("{option} is for {use_of_it}")).with_remedy(ANYWAY)
}

/// The arguments from `--args`, and those from options of their own.
fn args(arguments: &Arguments, rule: &RuleOptions, now: DateTime) -> Result<Args, Failure> {
    let base: Args = match &arguments.args {
        Some(json) => read("--args", json)?,
        None => Args::default(),
    };
    for (option, is_twice) in [
        ("--response-requested", arguments.response_requested.is_some() && base.response_requested().is_some()),
        ("--start-time", arguments.start_time.is_some() && base.start_time().is_some()),
        ("--stop-time", arguments.stop_time.is_some() && base.stop_time().is_some()),
        ("--duration", arguments.duration.is_some() && base.duration().is_some()),
    ] {
        only_once(option, is_twice)?;
    }
    let own = match rule.given().next() {
        Some(_) => Some(own_args(&base, rule)?),
        None => None,
    };
    let mut builder = base.into_builder();
    if let Some(response) = arguments.response_requested {
        builder = builder.response_requested(response);
    }
    if let Some(moment) = arguments.start_time {
        builder = builder.start_time(moment.seen_from(now).map_err(|error| option("--start-time", error))?);
    }
    if let Some(moment) = arguments.stop_time {
        builder = builder.stop_time(moment.seen_from(now).map_err(|error| option("--stop-time", error))?);
    }
    if let Some(duration) = arguments.duration {
        builder = builder.duration(duration);
    }
    if let Some(own) = own {
        builder = builder.set::<Slpf>(own);
    }
    builder.build().map_err(Failure::usage)
}

/// The arguments of SLPF from `--args`, and those from options of their own.
fn own_args(base: &Args, rule: &RuleOptions) -> Result<slpf_types::Args, Failure> {
    let base = base.of::<Slpf>().map_err(|error| option("--args", error))?.unwrap_or_default();
    for (option, is_twice) in [
        ("--direction", rule.direction.is_some() && base.direction.is_some()),
        ("--drop-process", rule.drop_process.is_some() && base.drop_process.is_some()),
        ("--persistent", rule.persistent.is_some() && base.persistent.is_some()),
        ("--insert-rule", rule.insert_rule.is_some() && base.insert_rule.is_some()),
    ] {
        only_once(option, is_twice)?;
    }
    Ok(slpf_types::Args {
        drop_process: rule.drop_process.or(base.drop_process),
        persistent: rule.persistent.or(base.persistent),
        direction: rule.direction.or(base.direction),
        insert_rule: rule.insert_rule.or(base.insert_rule),
    })
}

fn only_once(option: &str, is_twice: bool) -> Result<(), Failure> {
    if is_twice { Err(Failure::usage(format!("{option} is in --args too"))) } else { Ok(()) }
}

fn actuator(addressee: &Addressee) -> Result<Option<Actuator>, Failure> {
    let specifier = addressee.specifiers_given().next();
    match (&addressee.actuator, addressee.profile, specifier) {
        (Some(json), _, _) => read("--actuator", json).map(Some),
        (None, Some(nsid), Some(specifier)) if nsid != Nsid::SLPF => {
            let sentence = format!("{specifier} is a specifier of slpf, not of {nsid}");
            Err(Failure::usage(sentence)
                .with_remedy(format!("For those of {nsid} say --actuator '{{\"{nsid}\":{{..}}}}'")))
        }
        (None, _, Some(_)) => specifiers(addressee).map(|specifiers| Some(Actuator::new::<Slpf>(specifiers))),
        (None, Some(nsid), None) => read("--profile", &format!("{{\"{nsid}\":{{}}}}")).map(Some),
        (None, None, None) => Ok(None),
    }
}

fn specifiers(addressee: &Addressee) -> Result<Specifiers, Failure> {
    let asset_tuple = addressee.asset_tuple.clone().map(AssetTuple::new).transpose();
    Ok(Specifiers {
        hostname: addressee.hostname.clone(),
        named_group: addressee.named_group.clone(),
        asset_id: addressee.asset_id.clone(),
        asset_tuple: asset_tuple.map_err(|error| option("--asset-tuple", error))?,
    })
}

/// Reads a typed value from the JSON of an option, as strictly as what is sent has to be.
fn read<T: Read>(name: &str, json: &str) -> Result<T, Failure> {
    let mut context = Context::new(Mode::Strict);
    let mut deserializer = Deserializer::from_str(json);
    let value = T::read(&mut context, &mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    value.map_err(|error| option(name, context.fail(reason(&error))))
}

/// What serde_json has to say; where in the line only if the text is no JSON.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) if error.is_data() => text[..end].to_owned(),
        _ if error.is_data() => text,
        _ => format!("not JSON: {text}"),
    }
}

fn option(name: &str, error: impl std::fmt::Display) -> Failure {
    Failure::usage(format!("{name}: {error}"))
}

/// A time that looks like seconds since 1970 (DECISIONS M4).
fn in_seconds(option: &str, moment: Option<Moment>) -> Option<String> {
    match moment {
        Some(Moment::At(time)) if time.as_millis() < FIRST_LIKELY => {
            Some(format!("{option} {time} lies before 1974: milliseconds are due, not seconds"))
        }
        _ => None,
    }
}

const FIRST_LIKELY: u64 = 100_000_000_000;

#[cfg(test)]
mod tests;
