//! What is shown of a Response.

use std::fmt::{self, Write};
use std::time::Duration;

#[cfg(feature = "mqtt")]
use oc2_core::Headers;
use oc2_core::any::Any;
use oc2_core::shape::write::Written;
use oc2_core::{Form, Profile, Response, Results};
use oc2_producer::Received;
use oc2_profile_slpf::Slpf;

use crate::failure::Failure;

/// The Response alone, as one line of JSON.
///
/// # Errors
/// It came in a form by id, with an extension that nobody here knows by name.
pub(crate) fn json(response: &Response) -> Result<String, Failure> {
    // What is ill-typed stays as it came.
    let typed = response.clone().typed::<Slpf>().unwrap_or_else(|_| response.clone());
    let text = serde_json::to_string(&Written(&typed, Form::DEFAULT)).map_err(|error| {
        Failure::exchange(format!("the Response cannot be shown as JSON: {error}"))
            .with_remedy("Commands in JSON are answered in JSON: --encoding json")
    })?;
    Ok(escaped(&text))
}

/// A message with who sent it and what came of it in front, as one line of JSON.
///
/// # Errors
/// As [`json`].
#[cfg(feature = "mqtt")]
pub(crate) fn json_line(received: &Received) -> Result<String, Failure> {
    let cannot = |error: serde_json::Error| Failure::exchange(format!("the message cannot be shown as JSON: {error}"));
    let Received { response, headers, signature, is_final, elapsed, .. } = received;
    let mut members = vec![
        ("from", serde_json::to_string(&received.from()).map_err(cannot)?),
        ("status", response.status.as_u16().to_string()),
        ("final", is_final.to_string()),
        ("elapsed_ms", elapsed.as_millis().to_string()),
    ];
    if *headers != Headers::default() {
        members.push(("headers", serde_json::to_string(&Written(headers, Form::DEFAULT)).map_err(cannot)?));
    }
    members.push(("body", format!(r#"{{"openc2":{{"response":{}}}}}"#, json(response)?)));
    if let Some(signature) = signature {
        members.push(("signature", serde_json::to_string(signature).map_err(cannot)?));
    }
    let members: Vec<_> = members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
    Ok(escaped(&format!("{{{}}}", members.join(","))))
}

/// One Response of many for people: who, what came of it, and below it what was asked for.
#[cfg(feature = "mqtt")]
pub(crate) fn one_of_many(received: &Received) -> String {
    let from = crate::tally::name(received.from());
    let more = if received.is_final { "" } else { ", still at it" };
    let mut lines = vec![format!("{from}: {}{more}, after {}", headline(&received.response), lasted(received.elapsed))];
    lines.extend(results(&received.response).iter().map(|line| format!("  {line}")));
    lines.join("\n")
}

/// The Response for people: what came of it, what was asked for, who says so.
pub(crate) fn people(response: &Response, origin: &Origin<'_>) -> String {
    let mut lines = vec![headline(response)];
    lines.extend(results(response));
    lines.push(footer(origin));
    lines.join("\n")
}

/// What was asked for, row by row.
fn results(response: &Response) -> Vec<String> {
    let Response { results, others, .. } = response;
    let mut rows = features(results);
    rows.extend(results.namespaces().iter().map(|(key, value)| of_profile(results, &key.text(), value)));
    rows.extend(others.iter().map(|(key, value)| row(&key.text(), &json_of(value))));
    rows
}

/// Where a Response comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'r> {
    from: Option<&'r str>,
    has_message: bool,
    elapsed: Duration,
}

impl<'r> From<&'r Received> for Origin<'r> {
    fn from(received: &'r Received) -> Self {
        Self { from: received.from(), has_message: received.has_message, elapsed: received.elapsed }
    }
}

/// `501 Not Implemented: Option not supported`
fn headline(response: &Response) -> String {
    let Response { status, status_text, .. } = response;
    match status_text.as_deref().filter(|text| !text.is_empty()) {
        Some(text) => format!("{} {status}: {}", status.as_u16(), Plain(text)),
        None => format!("{} {status}", status.as_u16()),
    }
}

/// What `query features` asks for (LS 3.3.2.2).
fn features(results: &Results) -> Vec<String> {
    let versions = results.versions().map(|versions| row("versions", &list(versions.as_slice())));
    let profiles = results.profiles().map(|profiles| row("profiles", &list(profiles.as_slice())));
    let rate_limit =
        results.rate_limit().map(|limit| row("rate limit", &format!("{} commands a minute", limit.per_minute())));
    let pairs = results.pairs().into_iter().flat_map(|pairs| pairs.iter()).enumerate().map(|(n, (action, targets))| {
        row(if n == 0 { "pairs" } else { "" }, &format!("{:ACTION$}{}", action.name(), list(targets)))
    });
    versions.into_iter().chain(profiles).chain(rate_limit).chain(pairs).collect()
}

fn of_profile(results: &Results, name: &str, value: &Any) -> String {
    if name == Slpf::NSID.as_str()
        && let Ok(Some(own)) = results.of::<Slpf>()
        && let Some(number) = own.rule_number
    {
        return format!("rule {number}");
    }
    row(name, &json_of(value))
}

/// A label and its value, apart however long the label is.
fn row(label: &str, value: &str) -> String {
    format!("{:LABEL$} {value}", Plain(label).to_string())
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<_> = items.iter().map(|item| Plain(&item.to_string()).to_string()).collect();
    items.join(", ")
}

fn json_of(value: &Any) -> String {
    // What came by id, and nobody here knows, has no names to show.
    match serde_json::to_string(&Written(value, Form::DEFAULT)) {
        Ok(text) => escaped(&text),
        Err(_) => Plain(&format!("{value:?}")).to_string(),
    }
}

/// JSON without the control characters that it lets stand; escaped they mean the same, and do nothing to a terminal.
pub(crate) fn escaped(json: &str) -> String {
    let escaped = |character: char| match character {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(character)),
        _ => character.to_string(),
    };
    json.chars().map(escaped).collect()
}

/// Who answered, and how long it took.
fn footer(origin: &Origin<'_>) -> String {
    let elapsed = lasted(origin.elapsed);
    match (origin.from, origin.has_message) {
        (Some(from), _) => format!("from {} after {elapsed}", Plain(from)),
        (None, true) => format!("from a Consumer without a name after {elapsed}"),
        (None, false) => format!("no message, after {elapsed}"),
    }
}

/// How long something took.
pub(crate) fn lasted(elapsed: Duration) -> String {
    match elapsed.as_millis() {
        0 => "less than 1 ms".to_owned(),
        milliseconds @ 1..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", elapsed.as_secs_f64()),
    }
}

/// A text from outside that cannot steer the terminal.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| {
            if character.is_control() || is_bidirectional(character) {
                write!(f, "{}", character.escape_default())
            } else {
                f.write_char(character)
            }
        })
    }
}

/// Characters that reorder what stands beside them.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

const LABEL: usize = 11;
const ACTION: usize = 13;

#[cfg(test)]
mod tests {
    use oc2_core::shape::read::{Context, Mode, Read};

    use super::*;

    fn response(json: &str) -> Response {
        let mut context = Context::new(Mode::Lenient);
        Response::read(&mut context, &mut serde_json::Deserializer::from_str(json)).expect(json)
    }

    fn check(json: &str, expected: &str) {
        let origin = Origin { from: Some("fw1"), has_message: true, elapsed: Duration::from_micros(12_900) };
        assert_eq!(people(&response(json), &origin), format!("{expected}\nfrom fw1 after 12 ms"));
    }

    fn check_origin(origin: Origin<'_>, expected: &str) {
        assert_eq!(people(&response(r#"{"status":200}"#), &origin), format!("200 OK\n{expected}"));
    }

    fn check_json(json: &str, expected: &str) {
        assert_eq!(super::json(&response(json)).expect("by name"), expected);
    }

    #[test]
    fn a_status_has_its_name() {
        check(r#"{"status":200}"#, "200 OK");
        check(r#"{"status":102,"status_text":"scheduled"}"#, "102 Processing: scheduled");
        check(r#"{"status":501,"status_text":""}"#, "501 Not Implemented");
    }

    #[test]
    fn a_rule_has_its_number() {
        check(r#"{"status":200,"results":{"slpf":{"rule_number":999990}}}"#, "200 OK\nrule 999990");
        check(r#"{"status":200,"results":{"slpf":{"rule_number":-10}}}"#, "200 OK\nrule -10");
    }

    #[test]
    fn features_are_laid_out() {
        check(
            r#"{"status":200,"results":{"versions":["1.0","2.0"],"profiles":["slpf"],"rate_limit":6000,
                "pairs":{"query":["features"],"deny":["ipv4_net","slpf:rule_number"],"investigate":["file"]}}}"#,
            "\
200 OK
versions    1.0, 2.0
profiles    slpf
rate limit  6000 commands a minute
pairs       query        features
            deny         ipv4_net, slpf:rule_number
            investigate  file",
        );
    }

    #[test]
    fn results_that_nobody_here_knows_are_shown_as_they_are() {
        check(
            r#"{"status":200,"results":{"x-acme":{"a":[1,"b"]},"x-very-long-one":{}},"more":true}"#,
            "200 OK\nx-acme      {\"a\":[1,\"b\"]}\nx-very-long-one {}\nmore        true",
        );
        check(
            r#"{"status":200,"results":{"slpf":{"rule_number":"a"}}}"#,
            "200 OK\nslpf        {\"rule_number\":\"a\"}",
        );
        check(r#"{"status":200,"results":{"slpf":{}}}"#, "200 OK\nslpf        {}");
    }

    #[test]
    fn who_answered_is_told_as_far_as_it_is_known() {
        let origin = Origin { from: None, has_message: true, elapsed: Duration::from_millis(1234) };
        check_origin(origin, "from a Consumer without a name after 1.2 s");
        check_origin(Origin { has_message: false, ..origin }, "no message, after 1.2 s");
        let quick = Origin { from: Some("fw1"), elapsed: Duration::from_micros(900), ..origin };
        check_origin(quick, "from fw1 after less than 1 ms");
        check_origin(
            Origin { from: Some("a\u{1b}[2J\u{202e}b\u{9b}"), ..origin },
            r"from a\u{1b}[2J\u{202e}b\u{9b} after 1.2 s",
        );
    }

    #[test]
    fn a_text_from_outside_does_not_steer_the_terminal() {
        check(r#"{"status":500,"status_text":"a\u001b[31m\nb\tc ä"}"#, r"500 Internal Error: a\u{1b}[31m\nb\tc ä");
    }

    #[test]
    fn the_response_alone_is_one_line_of_json() {
        check_json(
            r#"{ "results": {"slpf": {"rule_number": 1}}, "status": 200, "x": null }"#,
            r#"{"status":200,"results":{"slpf":{"rule_number":1}},"x":null}"#,
        );
        check_json(
            "{\"status\":500,\"status_text\":\"a\u{9b}\\u001b\\nä\"}",
            r#"{"status":500,"status_text":"a\u009b\u001b\nä"}"#,
        );
    }
}
