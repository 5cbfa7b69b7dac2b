//! `oc2-consumer check`

use std::error::Error;
use std::path::Path;

use super::config::Config;

/// Says what is wrong with a configuration, or what it comes to.
pub(crate) fn check(path: &Path) -> Result<(), Box<dyn Error>> {
    let config = Config::load(path)?;
    println!("{}: ok", path.display());
    println!("  answers as {:?}, keeps its state in {}", config.consumer.id.0, config.consumer.state_dir.display());
    #[cfg(feature = "http")]
    if let Some(http) = &config.http {
        println!(
            "  listens on http://{}/.well-known/openc2 (plain HTTP: for testing, and behind what protects it)",
            http.listen
        );
    }
    if config.actuators.is_empty() {
        println!("  has no actuator: it answers `query features` and nothing else (ARCH 3.3.5 wants one)");
    }
    #[cfg(feature = "iptables")]
    for actuator in &config.actuators {
        println!("  {actuator}");
    }
    Ok(())
}
