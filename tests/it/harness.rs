//! A daemon, a Producer, and the world around them.

mod center;
mod consumer;
mod disk;
mod line;
mod producer;
mod site;
mod strace;
mod traffic;
mod tunnel;
mod wire;

use std::path::PathBuf;

pub(crate) use center::{Center, DEVICE, Heard, deny, query, request};
pub(crate) use consumer::{Config, Daemon};
pub(crate) use disk::Disk;
pub(crate) use line::{Line, QUERY, request as head};
pub(crate) use producer::{Answer, command, producer};
pub(crate) use site::{HERE, Site};
pub(crate) use strace::Strace;
pub(crate) use traffic::{Reach, reach, run, serve};
pub(crate) use tunnel::tunnel;
pub(crate) use wire::{exchange, post, try_post};

/// Waits until something is so.
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what} never came");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// A binary of the workspace, built beside this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a program");
    let path = test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps/it").join(name);
    assert!(path.exists(), "{} is not built; run `cargo xtask test`", path.display());
    path
}
