//! The suite as a program, as people run it.

use std::process::Command;

use serde_json::Value;

/// What a run said.
pub(crate) struct Run {
    pub(crate) exit: Option<i32>,
    pub(crate) report: Value,
    pub(crate) stderr: String,
}

/// Runs it to its end.
pub(crate) fn run(args: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_oc2-conformance")).arg("--json").args(args).output();
    let output = output.expect("the suite is built with its tests");
    Run {
        exit: output.status.code(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Run {
    /// How a row ended.
    pub(crate) fn verdict(&self, id: &str) -> &str {
        self.row(id)["verdict"].as_str().unwrap_or_else(|| panic!("{id} is not in the report: {}", self.stderr))
    }

    pub(crate) fn row(&self, id: &str) -> &Value {
        let mut rows = self.report["rows"].as_array().into_iter().flatten();
        rows.find(|row| row["id"] == id).unwrap_or(&Value::Null)
    }

    /// The rows that ended so.
    pub(crate) fn with(&self, verdict: &str) -> Vec<String> {
        let rows = self.report["rows"].as_array().into_iter().flatten().filter(|row| row["verdict"] == verdict);
        rows.map(|row| format!("{} {:#}", row["id"], row["faults"])).collect()
    }
}
