//! `oc2-consumer check`

use std::path::Path;

use super::cli::Asked;
use super::config::Config;
use super::{Failure, observe, policy};

/// Says what is wrong with a configuration, or what it comes to; or what would become of a Command.
pub(crate) fn check(path: &Path, asked: &Asked) -> Result<(), Failure> {
    let config = Config::load(path)?;
    #[cfg(feature = "http")]
    let tls = super::http::load(&config).map_err(|error| format!("{}: {error}", path.display()))?;
    #[cfg(feature = "mqtt")]
    if let Some(mqtt) = &config.mqtt {
        super::mqtt::check(mqtt, &config).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let loaded = policy::Loaded::of(&config)?;
    if let (Some(peer), Some(command)) = (&asked.peer, &asked.command) {
        return policy::explain(&config, &loaded, peer, asked.from.as_deref(), command);
    }
    println!("{}: ok", path.display());
    println!("  answers as {:?}, keeps its state in {}", config.consumer.id.0, config.consumer.state_dir.0.display());
    #[cfg(feature = "http")]
    if let Some(http) = &config.http {
        super::http::describe(http, tls.as_ref());
    }
    #[cfg(feature = "mqtt")]
    if let Some(mqtt) = &config.mqtt {
        let device = mqtt.device(&config.consumer.id)?;
        println!("  takes commands from {} as device {:?}{}", mqtt.broker, device.as_str(), credentials(mqtt));
        for remark in mqtt.papers()?.remarks() {
            println!("    WARNING: {remark}");
        }
        if !mqtt.broker.is_secure() {
            println!("    without TLS: for testing only, anybody on the way can read and forge commands");
        }
    }
    observe::describe(&config)?;
    policy::describe(&loaded);
    if config.actuators.is_empty() {
        println!("  has no actuator: it answers `query features` and nothing else (ARCH 3.3.5 wants one)");
    }
    #[cfg(feature = "iptables")]
    config.actuators.iter().map(toml::Spanned::get_ref).for_each(describe);
    Ok(())
}

#[cfg(feature = "mqtt")]
fn credentials(mqtt: &super::config::MqttTable) -> String {
    let user = mqtt.username.as_ref().map(|name| format!("user {name:?}"));
    let certificate = mqtt.cert.as_ref().map(|path| format!("the certificate {}", path.0.display()));
    let shown: Vec<_> = user.into_iter().chain(certificate).collect();
    if shown.is_empty() { ", unknown to the broker".to_owned() } else { format!(", with {}", shown.join(" and ")) }
}

#[cfg(feature = "iptables")]
fn describe(actuator: &super::config::ActuatorTable) {
    use oc2_actuator_iptables::{BackendKind, Mode};

    let effect = match (actuator.backend, &actuator.mode) {
        (BackendKind::DryRun, _) => "filters nothing (dry-run)".to_owned(),
        (BackendKind::Iptables, Mode::Host) => {
            format!("filters packets of this host in chains {}-*", actuator.chain_prefix)
        }
        (BackendKind::Iptables, Mode::Gateway(_)) => {
            format!("filters packets of this host and those it passes on, in chains {}-*", actuator.chain_prefix)
        }
    };
    println!("  slpf: {effect}");
    match &actuator.guard {
        None => println!("    without a guard: a command may cut this host off"),
        Some(guard) => {
            let names = guard.keep().iter().map(|keep| keep.name.as_str()).collect::<Vec<_>>().join(", ");
            println!("    lets no command cut off: {names}");
        }
    }
    match &actuator.update_dir {
        None => println!("    without update_dir, so `update file` is not supported"),
        Some(dir) if dir.is_dir() => println!("    reads rule sets from {}", dir.display()),
        Some(dir) => println!("    update_dir {} is not a directory (yet)", dir.display()),
    }
}
