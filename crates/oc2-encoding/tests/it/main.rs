//! JSON messages as peers send them: what is read, in which mode, with which note, and what is written back.

mod args;
mod built;
mod command;
mod corpus;
mod examples;
mod forms;
mod glimpse;
mod hostile;
mod i_json;
mod jadn;
mod json;
mod media_type;
mod message;
mod net;
mod on_demand;
mod profiles;
mod properties;
mod relay;
mod response;
mod support;
mod target;
mod validate;
mod vectors;
