//! The first steps of the README, as they stand there: an authority for a try, made by openssl.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::harness::{Config, command};

/// The lines that make the authority and the certificates.
fn steps() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").join("README.md");
    let text = fs::read_to_string(readme).unwrap();
    let (_, steps) =
        text.split_once("mkdir test-ca && cd test-ca\n").expect("the README says how to make an authority");
    let (steps, _) = steps.split_once("```").expect("a block ends");
    steps.to_owned()
}

// HTTPS-027, HTTPS-028
#[test]
fn the_authority_of_the_readme_serves_both_programs() {
    if !Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success()) {
        assert!(env::var_os("CI").is_none(), "openssl is missing");
        return println!("skipped: openssl is not installed");
    }
    let config = Config::new().secure();
    let made =
        Command::new("bash").args(["-ec", &steps()]).current_dir(config.folder()).output().expect("there is bash");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = |name: &str| config.folder().join(name).display().to_string();
    let [ca, cert, key] = ["ca.pem", "soc-1.pem", "soc-1.key"].map(path);
    let lines = [("cert", path("fw1.pem")), ("key", path("fw1.key")), ("ca", ca.clone())];
    let config = lines.iter().fold(config, |config, (key, path)| config.http(&format!("{key} = {path:?}")));
    let rule = "[[rule]]\nname = \"soc-1 looks\"\nwho = \"soc-1\"\nactions = \"query\"\ntargets = \"any\"";
    let config = config.policy(rule);
    let daemon = config.start();
    command(&daemon.url(), &["--ca", &ca, "--cert", &cert, "--key", &key, "query", "features"]).expect(200);
}
