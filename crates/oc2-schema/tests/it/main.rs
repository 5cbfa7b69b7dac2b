//! The shapes against our own table and the published schemas; the schemas against the corpus, the readers and JADN itself.

mod corpus;
mod formats;
mod outside;
mod published;
mod support;
mod table;
mod well_formed;
