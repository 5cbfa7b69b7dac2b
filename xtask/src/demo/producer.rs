//! The real producer, and what it printed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::demo::report::{Report, tidy_json};
use crate::failure::{Failure, Result};
use crate::netns::Host;
use crate::process;

/// The real producer, run on the firewall because its way to the consumer has to outlive a denied peer.
#[derive(Debug)]
pub(crate) struct Producer {
    program: PathBuf,
    consumer: String,
}

impl Producer {
    /// A producer that commands the consumer at this address.
    pub(crate) fn new(program: PathBuf, consumer: SocketAddr) -> Self {
        Self { program, consumer: format!("http://{consumer}") }
    }

    /// Sends one command, shows it and its response, and expects status 200.
    pub(crate) fn send(&self, report: &mut Report, arguments: &[&str]) -> Result<Response> {
        let mut command = Host::Firewall.command(&self.program);
        command.args(["--to", &self.consumer, "--json"]).args(arguments);
        report.command(process::line(&command));
        let output = process::output_within(&mut command, LIMIT)?;
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        report.text(stderr.trim_end());
        let response = Response::parse(&stdout).map_err(|error| {
            Failure::new(format!(
                "`oc2-producer` ({}) printed no response: {error}\n{}",
                output.status,
                stdout.trim_end()
            ))
        })?;
        report.text(&tidy_json(&stdout, &response.0));
        let status = response.status();
        let observed = status.map_or("none".to_owned(), |status| status.to_string());
        report.check("status of the response", 200, observed, status == Some(200));
        if !output.status.success() {
            report.check("end of the producer", "exit status: 0", output.status, false);
        }
        Ok(response)
    }
}

/// A Response (LS 3.3.2) as JSON.
#[derive(Debug, PartialEq)]
pub(crate) struct Response(Value);

impl Response {
    /// Reads a response alone, or a whole message that holds one.
    fn parse(text: &str) -> serde_json::Result<Self> {
        let mut value: Value = serde_json::from_str(text)?;
        Ok(match value.pointer_mut("/body/openc2/response") {
            Some(response) => Self(response.take()),
            None => Self(value),
        })
    }

    fn status(&self) -> Option<u64> {
        self.0["status"].as_u64()
    }

    /// The number of the rule that was made (SLPF 2.1.4).
    pub(crate) fn rule_number(&self) -> Option<u64> {
        self.0["results"]["slpf"]["rule_number"].as_u64()
    }

    /// The profiles the consumer supports (LS 3.3.2.2).
    pub(crate) fn profiles(&self) -> Vec<&str> {
        self.0["results"]["profiles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

const LIMIT: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_read_alone_or_in_its_message() {
        let response = r#"{"status":200,"results":{"slpf":{"rule_number":999990}}}"#;
        let message = format!(r#"{{"headers":{{"request_id":"1"}},"body":{{"openc2":{{"response":{response}}}}}}}"#);
        for text in [response, &message] {
            let response = Response::parse(text).unwrap();
            assert_eq!((response.status(), response.rule_number()), (Some(200), Some(999_990)), "{text}");
        }
    }

    #[test]
    fn what_a_response_does_not_say_is_absent() {
        let response = Response::parse(r#"{"status":501,"status_text":"Option not supported"}"#).unwrap();
        assert_eq!((response.rule_number(), response.profiles()), (None, Vec::new()));
    }

    #[test]
    fn profiles_are_listed() {
        let response = Response::parse(r#"{"status":200,"results":{"profiles":["slpf"]}}"#).unwrap();
        assert_eq!(response.profiles(), ["slpf"]);
    }

    #[test]
    fn words_are_no_response() {
        assert!(Response::parse("connection refused").is_err());
        assert!(Response::parse("").is_err());
    }
}
