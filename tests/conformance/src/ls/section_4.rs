//! LS 4.1: `query features`.

use std::io;

use serde_json::{Value, json};

use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            // The first rows are those of every answer, which are looked at here when they are asked for alone.
            "LS-003 LS-012 LS-016 LS-029 LS-043..LS-045 LS-066 LS-067 LS-069 LS-077..LS-079 LS-084 LS-132..LS-136 LS-146..LS-150 \
             LS-184 LS-185 LS-203 LS-224 LS-225 LS-230 ARCH-006 HTTPS-003 HTTPS-013 HTTPS-030 HTTPS-032..HTTPS-034 HTTPS-036 \
             HTTPS-038 HTTPS-039 HTTPS-045 HTTPS-047 HTTPS-052..HTTPS-054 HTTPS-066 HTTPS-067 MQTT-011 MQTT-022..MQTT-026 \
             MQTT-028..MQTT-031 MQTT-033 MQTT-037 MQTT-074 MQTT-075 MQTT-077 MQTT-079 MQTT-081 MQTT-083..MQTT-085 LS-062 LS-157 LS-161 LS-188 LS-205 LS-212..LS-218 LS-229 SLPF-044 SLPF-046 SLPF-143 SLPF-209",
            "Features are told as they are asked for",
            features,
        ),
        Check::new("LS-159", "A feature that is asked for twice is told once", duplicates),
        Check::new("LS-208..LS-210 SLPF-060", "Arguments other than complete are refused", arguments),
        Check::new("LS-215 SLPF-045", "Pairs that are not listed are not performed", pairs),
    ]
}

/// A name that nothing has, should a subject perform what it does not list.
const NOBODY: &str = "conformance-there-is-none";

const NAMES: [&str; 4] = ["versions", "profiles", "pairs", "rate_limit"];

fn query(features: &Value) -> Value {
    json!({"action": "query", "target": {"features": features}})
}

fn features(session: &mut Session<'_>) -> io::Result<()> {
    let got = session.ask(query(&json!([])))?;
    let rows = "LS-205 LS-212 LS-229 SLPF-044 SLPF-143 SLPF-209";
    session.note(rows, got.is_ok(), "query features []", "200", &got);
    let is_bare = got.results().is_null();
    session.note("LS-161 LS-218", is_bare, "query features []", "no results: nothing was asked for", &got);
    // Each subset, as bits.
    for subset in 1..16_u8 {
        let asked: Vec<_> =
            NAMES.iter().enumerate().filter(|(n, _)| subset & (1 << n) != 0).map(|(_, name)| *name).collect();
        let got = session.ask(query(&json!(asked)))?;
        let point = format!("query features {}", asked.join(", "));
        session.note("LS-062 LS-157 LS-205 LS-229", got.is_ok(), &point, "200", &got);
        let results = got.results();
        for name in &asked {
            let row = match *name {
                "versions" => "LS-213",
                "profiles" => "LS-214",
                "pairs" => "LS-215",
                _ => continue,
            };
            session.note(
                &format!("{row} SLPF-046"),
                results.get(name).is_some(),
                &point,
                &format!("results.{name}"),
                &got,
            );
        }
        if asked.contains(&"rate_limit") {
            let is_right = results.get("rate_limit").is_none_or(Value::is_number);
            session.note("LS-216 SLPF-046", is_right, &point, "a number, or nothing where no limit is known", &got);
        }
        let told = results.as_object().map(|own| own.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
        let is_met = told.iter().all(|name| asked.contains(&name.as_str()) || !NAMES.contains(&name.as_str()));
        session.note("LS-218", is_met, &point, "only what was asked for", &got);
    }
    for (features, point) in
        [(json!(["version"]), "an unknown feature"), (json!([1]), "a number"), (json!("pairs"), "no list")]
    {
        let got = session.ask(query(&features))?;
        session.note("LS-157 LS-188", got.status() == Some(400), point, "it is malformed: 400", &got);
    }
    let versions = session.facts.versions.clone();
    let got = session.ask(query(&json!(["versions"])))?;
    let is_met = versions.iter().any(|version| version == "1.0");
    session.note("LS-213", is_met, "The versions that are supported", "\"1.0\" is among them", &got);
    Ok(())
}

fn duplicates(session: &mut Session<'_>) -> io::Result<()> {
    let once = session.ask(query(&json!(["versions"])))?;
    let twice = session.ask(query(&json!(["versions", "versions"])))?;
    let is_met = twice.is_ok() && twice.results() == once.results();
    session.note("LS-159", is_met, "query features versions, versions", "200, as for one `versions`", &twice);
    Ok(())
}

fn arguments(session: &mut Session<'_>) -> io::Result<()> {
    let mut command = query(&json!(["versions"]));
    command["args"] = json!({"response_requested": "complete"});
    let got = session.ask(command)?;
    session.note("LS-208 SLPF-060", got.is_ok(), "response_requested complete", "200", &got);
    for args in [
        json!({"response_requested": "ack"}),
        json!({"response_requested": "status"}),
        json!({"response_requested": "none"}),
        json!({"start_time": 1_534_775_460_000_u64}),
        json!({"stop_time": 5_000_000_000_000_u64}),
        json!({"duration": 1}),
        json!({"response_requested": "complete", "duration": 1}),
        json!({"slpf": {"direction": "both"}}),
        json!({"x-none": {}}),
    ] {
        let mut command = query(&json!(["versions"]));
        command["args"] = args.clone();
        let got = session.ask(command)?;
        let point = format!("query features with {args}");
        let is_none = args["response_requested"] == "none";
        // That nothing is answered is not 200 either.
        let is_not_200 = got.status() != Some(200) || got.is_silent();
        session.note("LS-209 SLPF-060", is_not_200, &point, "any status but 200", &got);
        if !is_none {
            session.note("LS-210", got.status() == Some(400), &point, "400", &got);
        }
    }
    Ok(())
}

fn pairs(session: &mut Session<'_>) -> io::Result<()> {
    let targets = [
        ("file", json!({"name": NOBODY})),
        ("ipv4_net", json!("192.0.2.1")),
        ("ipv6_net", json!("2001:db8::1")),
        ("domain_name", json!("a.example")),
        ("device", json!({"device_id": NOBODY})),
        ("process", json!({"name": NOBODY})),
        ("features", json!([])),
        ("mac_addr", json!("00:00:5E:00:53:01")),
    ];
    for action in ["query", "deny", "allow", "update", "delete", "scan", "contain"] {
        for (target, value) in &targets {
            if session.lists(action, target) {
                continue;
            }
            let got = session.ask(json!({"action": action, "target": {*target: value}}))?;
            let is_performed = matches!(got.status(), Some(200 | 102));
            let point = format!("{action} {target}, which is not listed");
            session.note("LS-215 SLPF-045", !is_performed, &point, "it is not performed", &got);
        }
    }
    let listed = session.lists("query", "features");
    let got = session.ask(query(&json!(["pairs"])))?;
    session.note("LS-215", listed, "The pairs that are listed", "`query features` is among them", &got);
    Ok(())
}
