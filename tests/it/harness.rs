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

pub(crate) use oc2_tests_broker::wait_until;

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

/// A binary of the workspace, built beside this test.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a program");
    let path = test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps/it").join(name);
    assert!(path.exists(), "{} is not built; run `cargo xtask test`", path.display());
    path
}
