//! `oc2-producer`, run once for each Command.

use std::process::Command;

use serde_json::Value;

use super::binary;

/// What the Producer said and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit: Option<i32>,
    pub(crate) response: Value,
    pub(crate) stderr: String,
}

/// Commands a Consumer.
pub(crate) fn command(url: &str, args: &[&str]) -> Answer {
    let output = producer(url).arg("--json").args(args).output().expect("the binary starts");
    Answer {
        exit: output.status.code(),
        response: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The program, told whom to command and nothing else.
pub(crate) fn producer(url: &str) -> Command {
    let mut command = Command::new(binary("oc2-producer"));
    command.args(["--to", url]).envs(WITHOUT_ENVIRONMENT.map(|variable| (variable, ""))).env_remove("OC2_TO");
    command
}

/// What the environment could say of certificates and tokens.
const WITHOUT_ENVIRONMENT: [&str; 4] = ["OC2_CA", "OC2_CERT", "OC2_KEY", "OC2_TOKEN_FILE"];

impl Answer {
    /// The status is this one, and the exit status goes with it.
    #[track_caller]
    pub(crate) fn expect(self, status: u64) -> Self {
        assert_eq!(self.response["status"], status, "{self:?}");
        assert_eq!(self.exit, Some(i32::from(!matches!(status, 102 | 200))), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_text(self, text: &str) -> Self {
        let told = self.response["status_text"].as_str().unwrap_or_default();
        assert!(told.starts_with(text), "{told:?} does not begin with {text:?}");
        self
    }

    /// The number of the rule, as the next command takes it.
    #[track_caller]
    pub(crate) fn rule(&self) -> String {
        self.response.pointer("/results/slpf/rule_number").unwrap_or_else(|| panic!("{self:?}")).to_string()
    }
}
