//! LS 3.1: types, formats, multiplicity, extensions, serialization.

use std::io;

use serde_json::json;

use super::table::{self, Is::Malformed, Is::Understood};
use crate::check::Check;
use crate::session::{Session, filled_octets, message};
use crate::wire::Outgoing;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "LS-001 LS-015 LS-020..LS-022 LS-025..LS-028 LS-030 LS-054..LS-056 LS-058 LS-062 LS-063 LS-065",
            "Formats and kinds of values are told apart",
            formats,
        ),
        Check::new("LS-032 LS-033 LS-037..LS-041 LS-117", "Extensions stand where LS 3.1.4 puts them", extensions),
        Check::new("LS-004 LS-005 LS-010 LS-011 LS-044..LS-047 LS-231", "I-JSON is read as RFC 7493 has it", i_json),
    ]
}

fn formats(session: &mut Session<'_>) -> io::Result<()> {
    table::targets(
        session,
        &[
            ("LS-020", "email_addr", r#""a@b.example""#, Understood),
            ("LS-020", "email_addr", r#""a@""#, Malformed),
            ("LS-020", "email_addr", r#""@b""#, Malformed),
            ("LS-015 LS-021", "mac_addr", r#""00:1A:2B:3C:4D:5E""#, Understood),
            ("LS-015 LS-021", "mac_addr", r#""00:1A:2B:3C:4D:5E:6F:70""#, Understood),
            ("LS-015 LS-021", "mac_addr", r#""00:1A:2B:3C:4D""#, Malformed),
            ("LS-015 LS-021", "mac_addr", r#""00:1A:2B:3C:4D:5E:6F""#, Malformed),
            ("LS-022", "domain_name", r#""a.example""#, Understood),
            ("LS-022", "domain_name", r#""-a.example""#, Malformed),
            ("LS-022", "domain_name", r#""a..example""#, Malformed),
            ("LS-025", "iri", r#""http://ex\u00e4mple.example/\u00e4""#, Understood),
            ("LS-025", "iri", r#""no reference""#, Malformed),
            ("LS-026", "uri", r#""urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66""#, Understood),
            ("LS-026", "uri", r#""//host/x""#, Malformed),
            ("LS-030 LS-062", "properties", r#"["battery"]"#, Understood),
            ("LS-030 LS-062", "properties", "[]", Malformed),
            ("LS-062", "properties", r#""battery""#, Malformed),
            ("LS-028 LS-058", "device", r#"{"device_id": ["a"]}"#, Malformed),
            ("LS-058", "device", r#"{"device_id": 5}"#, Malformed),
            ("LS-055", "process", r#"{"pid": 5}"#, Understood),
            ("LS-055", "process", r#"{"pid": "5"}"#, Malformed),
            ("LS-055", "process", r#"{"pid": 5.5}"#, Malformed),
            ("LS-063", "artifact", r#"{"payload": {"url": "http://a.example/"}}"#, Understood),
            ("LS-063", "artifact", r#"{"payload": "http://a.example/"}"#, Malformed),
        ],
    )?;
    table::commands(
        session,
        &[
            ("LS-001", r#"{"Action": "ACTION", "target": {"iri": "http://a.example/"}}"#, Malformed),
            ("LS-001", r#"{"action": "Query", "target": {"iri": "http://a.example/"}}"#, Malformed),
            ("LS-027", r#"{"target": {"iri": "http://a.example/"}}"#, Malformed),
            ("LS-027", r#"{"action": "ACTION"}"#, Malformed),
            ("LS-065", r#"{"action": 3, "target": {"iri": "http://a.example/"}}"#, Malformed),
            ("LS-054 LS-056", r#"{"action": "ACTION", "target": {"iri": true}}"#, Malformed),
        ],
    )
}

fn extensions(session: &mut Session<'_>) -> io::Result<()> {
    table::commands(
        session,
        &[
            ("LS-032 LS-033 LS-037", r#"{"action": "ACTION", "target": {"x-none:thing": 1}}"#, Understood),
            ("LS-037", r#"{"action": "ACTION", "target": {"thing": 1}}"#, Malformed),
            (
                "LS-033 LS-038 LS-039",
                r#"{"action": "ACTION", "target": {"iri": "http://a.example/"}, "args": {"x-none": {"a": 1}}}"#,
                Understood,
            ),
            (
                "LS-039",
                r#"{"action": "ACTION", "target": {"iri": "http://a.example/"}, "args": {"x-none": 1}}"#,
                Malformed,
            ),
            (
                "LS-033 LS-040 LS-041 LS-117",
                r#"{"action": "ACTION", "target": {"iri": "http://a.example/"}, "actuator": {"x-none": {"a": 1}}}"#,
                Understood,
            ),
            (
                "LS-040 LS-041",
                r#"{"action": "ACTION", "target": {"iri": "http://a.example/"}, "actuator": {"asset_id": "30"}}"#,
                Malformed,
            ),
        ],
    )?;
    // An argument of a profile beside its object: refused, whatever the status (LS does not say which).
    let action = session.harmless_action("iri");
    let args = json!({"direction": "ingress"});
    let got = session.ask(json!({"action": action, "target": {"iri": "http://a.example/"}, "args": args}))?;
    session.note("LS-039", !got.is_ok(), "args.direction outside a profile's object", "any status but 200", &got);
    Ok(())
}

fn i_json(session: &mut Session<'_>) -> io::Result<()> {
    let action = session.harmless_action("iri");
    let iri = r#""target":{"iri":"http://a.example/"}"#;
    let good = [
        ("LS-004 LS-044", format!(r#"{{{iri},"action":"{action}"}}"#)),
        ("LS-005 LS-044", format!("\r\n {{ \"action\"\t: \"{action}\" , {iri} }} \n")),
        ("LS-047", format!(r#"{{"action":"{action}","target":{{"device":{{"device_id":"\ud83d\ude00"}}}}}}"#)),
    ];
    let bad = [
        ("LS-011 LS-046 LS-231", format!(r#"{{"action":"{action}","action":"{action}",{iri}}}"#)),
        ("LS-046 LS-231", format!(r#"{{"action":"{action}","act\u0069on":"{action}",{iri}}}"#)),
        ("LS-010 LS-046 LS-231", format!(r#"{{"action":"{action}",{iri},"args":{{"duration":1,"duration":2}}}}"#)),
        ("LS-047 LS-231", format!(r#"{{"action":"{action}","target":{{"device":{{"device_id":"\ud83d"}}}}}}"#)),
        ("LS-044 LS-231", format!(r#"{{"action":"{action}",{iri},}}"#)),
        ("LS-044 LS-231", format!(r#"{{'action':'{action}',{iri}}}"#)),
    ];
    let all = good.into_iter().map(|own| (own, Understood)).chain(bad.into_iter().map(|own| (own, Malformed)));
    for ((rows, command), is) in all {
        let id = session.fresh_id();
        let filled = if session.asked.fills_in {
            filled_octets(command.trim().as_bytes())
        } else {
            command.clone().into_bytes()
        };
        let filled = String::from_utf8_lossy(&filled).into_owned();
        let whole = message(&id, &json!("COMMAND")).to_string().replace("\"COMMAND\"", &filled);
        let got = post(session, &id, whole.into_bytes(), is)?;
        table::judge(session, rows, is, &command, &got);
    }
    for (octets, what) in [(&b"\xff"[..], "an octet that is not UTF-8"), (b"\xed\xa0\x80", "a surrogate in UTF-8")] {
        let id = session.fresh_id();
        let command = json!({"action": action, "target": {"device": {"device_id": "PLACE"}}});
        let whole = message(&id, &command).to_string();
        let (before, after) = whole.split_once("PLACE").unwrap_or_default();
        let got = post(session, &id, [before.as_bytes(), octets, after.as_bytes()].concat(), Malformed)?;
        table::judge(session, "LS-045 LS-231", Malformed, what, &got);
    }
    Ok(())
}

/// Over MQTT the id of what cannot be read may be unknown: then any answer is one.
fn post(session: &mut Session<'_>, id: &str, octets: Vec<u8>, is: table::Is) -> io::Result<crate::exchange::Exchange> {
    let mut outgoing = Outgoing::new(octets).id(id);
    if is == Malformed && !session.transfer().is_http() {
        outgoing = outgoing.silent();
    }
    session.send(&outgoing)
}
