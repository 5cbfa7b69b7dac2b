//! Commands, performed: what is answered, and what it does. Up to the dry-run back end for what any user may try, down to
//! the packets of a real kernel for the rest.

#[macro_use]
mod support;

mod commands;
mod guard;
mod killed;
mod packets;
mod restart;
mod update;
