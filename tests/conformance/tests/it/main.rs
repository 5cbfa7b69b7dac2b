//! The suite against ours, and against ours with faults: each fault is found.

mod brokers;
mod mqtt_mutants;
mod mutant;
mod mutants;
mod ours;
mod packets;
mod producers;
mod statement;
mod suite;
