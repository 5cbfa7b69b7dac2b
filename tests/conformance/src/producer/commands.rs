//! What holds for every Command, whatever carries it.

use serde_json::Value;

use super::Hearing;
use crate::exchange::Exchange;
use crate::session::now;
use crate::{ijson, schema};

pub(super) const ROWS: &str = "LS-001 LS-003 LS-079 LS-082 LS-083 LS-086..LS-090 LS-093..LS-095 LS-097 LS-117 LS-119 LS-120 \
    LS-122 LS-158 LS-160 LS-199 LS-204 LS-206..LS-208 LS-219..LS-223 LS-226 LS-227 SLPF-016..SLPF-022 SLPF-026 SLPF-028 \
    SLPF-037 SLPF-067..SLPF-070 SLPF-115..SLPF-118 SLPF-147..SLPF-149 SLPF-166..SLPF-169 SLPF-183 SLPF-186 SLPF-188..SLPF-201 \
    ARCH-001 LS-163";

/// Judges the message around a Command, and the Command.
pub(super) fn judge(hearing: &mut Hearing, octets: &[u8], exchange: &Exchange) -> Option<Value> {
    hearing.n_messages += 1;
    let fault = ijson::fault(octets);
    let told = fault.clone().unwrap_or_default();
    hearing.note("LS-227 ARCH-001", fault.is_none(), "The octets of the message", "I-JSON (RFC 7493)", &told, exchange);
    let message: Value = serde_json::from_slice(octets).ok()?;
    let faults = schema::faults("Message", &message);
    let told = faults.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect::<Vec<_>>().join("; ");
    let rows = "LS-001 LS-003 LS-086 LS-219 SLPF-183 ARCH-001";
    hearing.note(
        rows,
        faults.is_empty(),
        "The message",
        "as the tables of LS, HTTPS and SLPF have it",
        &told,
        exchange,
    );
    let command = message.pointer("/body/openc2/request")?.clone();
    for (rows, path) in [
        ("LS-087 LS-094 LS-095 LS-220", "action"),
        ("LS-088 LS-097 LS-221", "target"),
        ("LS-089 LS-093 LS-119 LS-120 LS-223 SLPF-016", "args"),
        ("LS-090 LS-117 LS-222 SLPF-037", "actuator"),
        ("SLPF-017 SLPF-022", "args.slpf.drop_process"),
        ("SLPF-018", "args.slpf.persistent"),
        ("SLPF-019 SLPF-026", "args.slpf.direction"),
        ("SLPF-020 SLPF-028", "args.slpf.insert_rule"),
        ("SLPF-021", "args.slpf"),
    ] {
        if command.pointer(&format!("/{}", path.replace('.', "/"))).is_none() && !matches!(path, "action" | "target") {
            continue;
        }
        let whole = format!("body.openc2.request.{path}");
        let own: Vec<_> = faults.iter().filter(|fault| fault.path.starts_with(&whole)).collect();
        let told = own.iter().map(|fault| format!("{}: {}", fault.path, fault.reason)).collect::<Vec<_>>().join("; ");
        hearing.note(rows, own.is_empty(), &format!("`{path}`"), "as it is defined", &told, exchange);
    }
    headers(hearing, &message, &command, exchange);
    rules(hearing, &command, exchange);
    Some(message)
}

fn headers(hearing: &mut Hearing, message: &Value, command: &Value, exchange: &Exchange) {
    let id = message.pointer("/headers/request_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    if command.pointer("/args/response_requested").is_none_or(|wanted| wanted != "none") {
        let expected = "a request_id, since a Response is wanted";
        hearing.note("LS-082", !id.is_empty(), "headers.request_id", expected, &id, exchange);
    }
    if !id.is_empty() {
        let is_uuid = uuid::Uuid::parse_str(&id).is_ok_and(|own| own.get_version_num() == 4);
        hearing.note("LS-083", is_uuid, "headers.request_id", "a UUID version 4", &id, exchange);
    }
    if let Some(created) = message.pointer("/headers/created") {
        let is_now = created.as_u64().is_some_and(|created| created.abs_diff(now()) < 3_600_000);
        hearing.note(
            "LS-079",
            is_now,
            "headers.created",
            "now, in milliseconds since 1970",
            &created.to_string(),
            exchange,
        );
    }
}

/// Rules for senders alone.
fn rules(hearing: &mut Hearing, command: &Value, exchange: &Exchange) {
    let action = command["action"].as_str().unwrap_or_default().to_owned();
    let target = command["target"].as_object().and_then(|own| own.keys().next().cloned()).unwrap_or_default();
    let args = command.get("args").and_then(Value::as_object).cloned().unwrap_or_default();
    let wanted = args.get("response_requested").and_then(Value::as_str);
    let told = Value::from(args.clone()).to_string();
    let others = args.keys().filter(|name| *name != "response_requested").count();
    let n_times = ["start_time", "stop_time", "duration"].iter().filter(|name| args.contains_key(**name)).count();
    if n_times > 0 {
        hearing.note("LS-122", n_times <= 2, "time arguments", "at most two of three", &told, exchange);
        hearing.note("SLPF-200", true, "", "", "", exchange);
    }
    match (&*action, &*target) {
        ("query", "features") => {
            let is_bare = others == 0 && wanted.is_none_or(|wanted| wanted == "complete");
            hearing.note(
                "LS-208",
                is_bare,
                "query features",
                "no argument but response_requested complete",
                &told,
                exchange,
            );
            hearing.note("LS-204 LS-206 LS-226 SLPF-188", true, "", "", "", exchange);
            if wanted.is_some() {
                hearing.note("LS-207", true, "", "", "", exchange);
            }
            let features = command["target"]["features"].as_array().cloned().unwrap_or_default();
            let is_unique = features.iter().enumerate().all(|(n, own)| !features[..n].contains(own));
            let told = Value::from(features.clone()).to_string();
            hearing.note("LS-158", is_unique, "target.features", "no feature twice", &told, exchange);
            if features.is_empty() {
                hearing.note("LS-160", true, "", "", "", exchange);
            }
        }
        ("delete", "slpf:rule_number") => {
            let is_bare = others == 0 && wanted.is_none_or(|wanted| wanted == "complete");
            hearing.note(
                "SLPF-147 SLPF-148",
                is_bare,
                "delete",
                "no argument but response_requested complete",
                &told,
                exchange,
            );
            let number = &command["target"][&target];
            let is_one = number.is_i64() || number.is_u64();
            hearing.note("SLPF-149", is_one, "target", "one rule number", &number.to_string(), exchange);
            hearing.note("SLPF-067 SLPF-115", true, "", "", "", exchange);
        }
        ("update", "file") => {
            let is_bare = others == 0 && matches!(wanted, None | Some("complete" | "ack" | "none"));
            hearing.note(
                "SLPF-166 SLPF-167",
                is_bare,
                "update file",
                "response_requested complete, ack or none",
                &told,
                exchange,
            );
            let file = &command["target"]["file"];
            hearing.note("SLPF-168", file["name"].is_string(), "target.file", "a name", &file.to_string(), exchange);
            hearing.note("SLPF-169", file["path"].is_string(), "target.file", "a path", &file.to_string(), exchange);
            if let Some(path) = file["path"].as_str() {
                hearing.note("LS-163", path.starts_with('/'), "target.file.path", "an absolute path", path, exchange);
            }
        }
        ("allow" | "deny", _) => {
            let (complete, any, insert) = if action == "allow" {
                ("SLPF-068", "SLPF-069", "SLPF-070")
            } else {
                ("SLPF-116", "SLPF-117", "SLPF-118")
            };
            // A Producer that sends delete wants to know the number.
            hearing.note(complete, wanted == Some("complete"), &action, "response_requested complete", &told, exchange);
            if args.get("slpf").is_some_and(|own| own.get("insert_rule").is_some()) {
                hearing.note(
                    insert,
                    wanted == Some("complete"),
                    "insert_rule",
                    "response_requested complete",
                    &told,
                    exchange,
                );
                hearing.note(any, true, "", "", "", exchange);
            }
            for (row, name) in [("SLPF-197", "persistent"), ("SLPF-198", "direction"), ("SLPF-199", "drop_process")] {
                if args.get("slpf").is_some_and(|own| own.get(name).is_some()) {
                    hearing.note(row, true, "", "", "", exchange);
                }
            }
            if args.contains_key("stop_time") || args.contains_key("duration") {
                hearing.note("SLPF-201", true, "", "", "", exchange);
            }
        }
        _ => {}
    }
    if wanted.is_some() {
        hearing.note("SLPF-189", true, "", "", "", exchange);
    }
    if let Some(url) = command.pointer("/target/artifact/payload/url") {
        hearing.note("LS-199", url.is_string(), "payload.url", "a URL", &url.to_string(), exchange);
    }
    hearing.pairs.insert((action, target));
}

/// What shows only in all that was sent: the clauses of SLPF.
pub(super) fn sum_up(hearing: &mut Hearing) {
    let nothing = Exchange::default();
    let has = |hearing: &Hearing, action: &str, target: &str| hearing.pairs.contains(&(action.into(), target.into()));
    for (row, target) in [
        ("SLPF-191", "ipv4_connection"),
        ("SLPF-192", "ipv6_connection"),
        ("SLPF-193", "ipv4_net"),
        ("SLPF-194", "ipv6_net"),
    ] {
        if has(hearing, "allow", target) && has(hearing, "deny", target) {
            hearing.note(&format!("{row} SLPF-190 SLPF-186"), true, "", "", "", &nothing);
        } else {
            lack(hearing, row, &format!("It was not heard to send both allow and deny of {target}."));
        }
    }
    for (row, action, target) in [("SLPF-195", "update", "file"), ("SLPF-196", "delete", "slpf:rule_number")] {
        if has(hearing, action, target) {
            hearing.note(row, true, "", "", "", &nothing);
        } else {
            lack(hearing, row, &format!("It was not heard to send {action} {target}."));
        }
    }
    for row in crate::clause::ids(ROWS) {
        lack(hearing, row, "It was not heard to send what would show it.");
    }
}

fn lack(hearing: &mut Hearing, row: &str, reason: &str) {
    for id in crate::clause::ids(row) {
        hearing.notes.lack_if_unseen(id, reason);
    }
}
