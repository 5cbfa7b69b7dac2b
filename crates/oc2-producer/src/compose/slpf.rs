//! Commands of SLPF, by its builders: what the profile forbids a Producer does not pass (SLPF 2.3).

use oc2_core::target::File;
use oc2_core::{Action, Args as CommonArgs, Command, Invalid, Nsid, Profile, Target};
use oc2_profile_slpf::{self as slpf, Args, PacketsTarget, RuleBuilder, Slpf, Specifiers};

/// Whether the Command is one of SLPF, and meant for nobody else.
pub(super) fn is_pair(command: &Command) -> bool {
    let is_for_others = command.actuator.as_ref().is_some_and(|actuator| actuator.nsid() != Nsid::SLPF);
    !is_for_others && Slpf::COMMANDS.iter().any(|row| row.pair() == command.pair())
}

/// What the profile advises against.
pub(super) fn remark(command: &Command) -> Option<String> {
    match (command.action, &command.target) {
        (Action::Update, Target::File(file)) if file.path().is_none() => {
            Some("update file should say where the file lies: --path (SLPF 2.3.5.1)".to_owned())
        }
        _ => None,
    }
}

/// The same Command by the builder for its pair.
pub(super) fn build(command: Command) -> Result<Command, Invalid> {
    let Command { action, target, args, actuator, command_id } = command;
    if let Some((key, _)) = args.namespaces().iter().find(|(key, _)| key.as_name() != Some(Slpf::NSID.as_str())) {
        return Err(Invalid::new(format!(
            "{action} {} takes no arguments of {} (SLPF 2.3)",
            target.name(),
            key.text()
        )));
    }
    let specifiers = match &actuator {
        Some(actuator) => actuator.of::<Slpf>().map_err(invalid)?,
        None => None,
    };
    let own = args.of::<Slpf>().map_err(invalid)?.unwrap_or_default();
    let built = match (action, target) {
        (Action::Allow, target) => {
            if own.drop_process.is_some() {
                return Err(Invalid::new("allow drops nothing, so drop_process has no place (SLPF table 2.3-2)"));
            }
            rule(Slpf::allow(packets(target)?), &args, &own, specifiers).build()
        }
        (Action::Deny, target) => {
            let builder = rule(Slpf::deny(packets(target)?), &args, &own, specifiers);
            match own.drop_process {
                Some(drop_process) => builder.drop_process(drop_process).build(),
                None => builder.build(),
            }
        }
        (Action::Delete, target) => delete(&target, &args, &own, specifiers),
        (Action::Update, Target::File(file)) => update(&file, &args, &own, specifiers),
        (_, target) => Err(Invalid::new(format!("{action} {} is no pair of slpf", target.name()))),
    }?;
    // ICMP types and codes beyond 255 (DECISIONS S8).
    Slpf::interpret(&built).map_err(invalid)?;
    Ok(Command { command_id, ..built })
}

fn rule<A>(
    mut builder: RuleBuilder<A>,
    args: &CommonArgs,
    own: &Args,
    specifiers: Option<Specifiers>,
) -> RuleBuilder<A> {
    if let Some(time) = args.start_time() {
        builder = builder.start_time(*time);
    }
    if let Some(time) = args.stop_time() {
        builder = builder.stop_time(*time);
    }
    if let Some(duration) = args.duration() {
        builder = builder.duration(*duration);
    }
    if let Some(response) = args.response_requested() {
        builder = builder.response_requested(*response);
    }
    if let Some(direction) = own.direction {
        builder = builder.direction(direction);
    }
    if let Some(persistent) = own.persistent {
        builder = builder.persistent(persistent);
    }
    if let Some(number) = own.insert_rule {
        builder = builder.insert_rule(number);
    }
    match specifiers {
        Some(specifiers) => builder.to(specifiers),
        None => builder,
    }
}

fn packets(target: Target) -> Result<PacketsTarget, Invalid> {
    match target {
        Target::Ipv4Net(net) => Ok(net.into()),
        Target::Ipv6Net(net) => Ok(net.into()),
        Target::Ipv4Connection(connection) => Ok(connection.into()),
        Target::Ipv6Connection(connection) => Ok(connection.into()),
        other => Err(Invalid::new(format!("{} are no packets", other.name()))),
    }
}

fn delete(target: &Target, args: &CommonArgs, own: &Args, specifiers: Option<Specifiers>) -> Result<Command, Invalid> {
    only_response_requested("delete slpf:rule_number", "2.3.4.1", args, own)?;
    let Some(slpf::Target::RuleNumber(number)) = target.of::<Slpf>().map_err(invalid)? else {
        return Err(Invalid::new(format!("{} is no rule", target.name())));
    };
    let mut builder = Slpf::delete(number);
    if let Some(response) = args.response_requested() {
        builder = builder.response_requested(*response);
    }
    match specifiers {
        Some(specifiers) => builder.to(specifiers).build(),
        None => builder.build(),
    }
}

fn update(file: &File, args: &CommonArgs, own: &Args, specifiers: Option<Specifiers>) -> Result<Command, Invalid> {
    only_response_requested("update file", "2.3.5.1", args, own)?;
    let name = file.name().ok_or_else(|| Invalid::new("update file needs the name of the file (SLPF 2.3.5.1)"))?;
    let mut builder = Slpf::update(name);
    if let Some(path) = file.path() {
        builder = builder.path(path);
    }
    if let Some(hashes) = file.hashes() {
        builder = builder.hashes(hashes.clone());
    }
    if let Some(response) = args.response_requested() {
        builder = builder.response_requested(*response);
    }
    match specifiers {
        Some(specifiers) => builder.to(specifiers).build(),
        None => builder.build(),
    }
}

fn only_response_requested(pair: &str, section: &str, args: &CommonArgs, own: &Args) -> Result<(), Invalid> {
    let Args { drop_process, persistent, direction, insert_rule } = own;
    let others = [
        ("start_time", args.start_time().is_some()),
        ("stop_time", args.stop_time().is_some()),
        ("duration", args.duration().is_some()),
        ("drop_process", drop_process.is_some()),
        ("persistent", persistent.is_some()),
        ("direction", direction.is_some()),
        ("insert_rule", insert_rule.is_some()),
    ];
    match others.into_iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => Err(Invalid::new(format!(
            "{pair} takes response_requested and no other argument, so {name} has no place (SLPF {section})"
        ))),
        None => Ok(()),
    }
}

fn invalid(error: impl std::fmt::Display) -> Invalid {
    Invalid::new(error.to_string())
}
