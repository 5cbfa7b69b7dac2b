//! JSON messages as peers send them: what is read, in which mode, with which note, and what is written back.

mod args;
mod command;
mod glimpse;
mod hostile;
mod i_json;
mod json;
mod message;
mod response;
mod support;
mod target;
