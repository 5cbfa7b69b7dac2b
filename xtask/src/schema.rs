//! `cargo xtask schema`: the tables of the language and its profiles, printed.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use oc2_profile_slpf::Slpf;
use oc2_schema::text;

use crate::failure::{Place, Result};

/// What is printed, and where to.
#[derive(Args, Debug)]
pub(crate) struct Schema {
    #[command(flatten)]
    language: Language,
    /// Add a profile
    #[arg(long, value_name = "NAME")]
    profile: Vec<Profile>,
    /// Write to this file instead of the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The language of the schema.
#[derive(Args, Clone, Copy, Debug)]
#[group(required = true, multiple = false)]
struct Language {
    /// As JADN 1.0
    #[arg(long)]
    jadn: bool,
    /// As JSON Schema 2020-12, for JSON by name
    #[arg(long)]
    json_schema: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Profile {
    /// Stateless packet filtering 1.0
    Slpf,
}

impl Schema {
    /// Prints or writes the schema.
    pub(crate) fn run(&self) -> Result<()> {
        match &self.output {
            Some(path) => fs::write(path, self.text()).place(path.display()),
            None => io::stdout().write_all(self.text().as_bytes()).place("standard output"),
        }
    }

    fn text(&self) -> String {
        let mut schema = oc2_schema::Schema::of_language();
        for profile in &self.profile {
            schema = match profile {
                Profile::Slpf => schema.with_profile::<Slpf>(),
            };
        }
        text(&if self.language.jadn { schema.jadn() } else { schema.json_schema() })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::Value;

    use super::*;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        schema: Schema,
    }

    fn printed(line: &str) -> Value {
        let line = Line::try_parse_from(line.split(' ')).expect("a command line");
        serde_json::from_str(&line.schema.text()).expect("JSON")
    }

    #[test]
    fn a_schema_is_printed_in_the_language_asked_for() {
        let jadn = printed("schema --jadn");
        assert_eq!(jadn["types"][0][0], "Message");
        assert!(!jadn.to_string().contains("Slpf-"));
        assert!(printed("schema --jadn --profile slpf").to_string().contains("Slpf-Args"));
        let json_schema = printed("schema --json-schema --profile slpf");
        assert_eq!(json_schema["$defs"]["Slpf-Args"]["type"], "object");
    }

    #[test]
    fn exactly_one_language_is_asked_for() {
        for line in ["schema", "schema --jadn --json-schema", "schema --profile slpf"] {
            Line::try_parse_from(line.split(' ')).expect_err(line);
        }
    }
}
