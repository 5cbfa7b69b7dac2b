//! The two binaries as their users meet them: on the command line, over the network, in the kernel.
//!
//! `cargo xtask test` builds the binaries first and installs what the kernel tests need.

mod audit;
mod brokers;
mod configuration;
mod daemon;
mod faults;
mod handshakes;
mod harness;
mod http;
mod https;
mod kernel;
mod limits;
mod metrics;
mod mqtt;
mod past_faults;
mod policy;
mod privileges;
mod readme;
mod reload;
mod repeat;
mod restart;
mod roles;
mod sample;
mod signatures;
mod systemd;
mod tokens;
mod windows;
