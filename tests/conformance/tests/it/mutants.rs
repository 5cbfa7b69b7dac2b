//! Faults over HTTP, and the row that each of them breaks.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::mutant::{Mutation, Request, Response, start};
use crate::ours::Daemon;
use crate::suite::run;

/// A fault: what it is called, the row it breaks, and what is changed on the way in and on the way out.
type Fault = (&'static str, &'static str, fn(&mut Request), fn(&Request, &mut Response));

fn same(_: &mut Request) {}

fn as_it_is(_: &Request, _: &mut Response) {}

#[test]
fn every_fault_is_found_in_the_row_that_it_breaks() {
    let daemon = Daemon::over_http();
    let mut missed = Vec::new();
    assert!(FAULTS.len() >= 45, "{} faults", FAULTS.len());
    for (name, row, request, response) in FAULTS {
        let port = start(daemon.port, Mutation { request: *request, response: *response });
        let run = run(&[
            "--consumer",
            &format!("http://127.0.0.1:{port}"),
            "--destructive",
            "--cbor",
            "--timeout",
            "3",
            "--id",
            row,
        ]);
        let verdict = run.verdict(row);
        if verdict != "not met" || run.exit != Some(1) {
            missed.push(format!("{name}: {row} is {verdict}, exit {:?}: {}", run.exit, run.row(row)));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn without_a_fault_none_of_these_rows_is_not_met() {
    let daemon = Daemon::over_http();
    let port = start(daemon.port, Mutation { request: same, response: as_it_is });
    let url = format!("http://127.0.0.1:{port}");
    let mut args = vec!["--consumer", &url, "--destructive", "--cbor"];
    for (_, row, ..) in FAULTS {
        args.extend(["--id", row]);
    }
    let run = run(&args);
    let empty: [String; 0] = [];
    assert_eq!(run.with("not met"), empty);
    assert_eq!(run.exit, Some(0), "{}", run.stderr);
    for (name, row, ..) in FAULTS {
        assert!(matches!(run.verdict(row), "met" | "partly"), "{name}: {row} was not exercised: {}", run.row(row));
    }
}

#[test]
fn whoever_lets_everybody_do_everything_is_found() {
    let daemon = Daemon::over_http();
    let url = format!("http://127.0.0.1:{}", daemon.port);
    let query = r#"{"action": "query", "target": {"features": ["versions"]}}"#;
    let run = run(&["--consumer", &url, "--id", "LS-141", "--id", "ARCH-016", "--forbidden", query]);
    assert_eq!((run.verdict("LS-141"), run.verdict("ARCH-016")), ("not met", "not met"), "{}", run.stderr);
}

/// Puts octets in the place of others, wherever they are.
fn replace(body: &mut Vec<u8>, old: &[u8], new: &[u8]) {
    while let Some(at) = body.windows(old.len()).position(|own| own == old) {
        body.splice(at..at + old.len(), new.iter().copied());
    }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(name);
    }
}

fn keep(value: &mut Value, names: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| names.contains(&name.as_str()));
    }
}

fn drop_slpf_arg(request: &mut Request, name: &str) {
    request.edit_command(|command| {
        if let Some(own) = command.pointer_mut("/args/slpf") {
            remove(own, name);
        }
    });
}

fn drop_arg(request: &mut Request, name: &str) {
    request.edit_command(|command| {
        if let Some(args) = command.get_mut("args") {
            remove(args, name);
            if args.as_object().is_some_and(serde_json::Map::is_empty) {
                remove(command, "args");
            }
        }
    });
}

/// Every answer without any sense for repetition: each request is a new one to the daemon.
fn renamed(request: &mut Request) {
    static NEXT: Mutex<u64> = Mutex::new(0);
    let mut next = NEXT.lock().expect("nobody panics here");
    *next += 1;
    let id = format!("mutant-{next}");
    request.edit(|message| {
        if message.pointer("/headers/request_id").is_some() {
            message["headers"]["request_id"] = json!(id);
        }
    });
}

fn named_back(sent: &Request, response: &mut Response) {
    let message: Value = serde_json::from_slice(&sent.body).unwrap_or_default();
    if let Some(id) = message.pointer("/headers/request_id").cloned() {
        response.edit(|message| message["headers"]["request_id"] = id);
    }
}

const FAULTS: &[Fault] = &[
    ("malformed is 500", "LS-139", same, |_, response| {
        if response.code == 400 {
            response.status(500)
        }
    }),
    ("the status is a string", "LS-066", same, |_, response| {
        response.edit_response(|own| own["status"] = json!(own["status"].to_string()));
    }),
    ("a status that does not exist", "LS-136", same, |_, response| {
        if response.code == 200 {
            response.status(201)
        }
    }),
    ("no status", "LS-133", same, |_, response| response.edit_response(|own| remove(own, "status"))),
    ("status_text is a number", "LS-134", same, |_, response| {
        response.edit_response(|own| own["status_text"] = json!(1))
    }),
    ("a member that nobody defines", "LS-132", same, |_, response| response.edit_response(|own| own["x"] = json!(1))),
    ("no Date", "HTTPS-053", same, |_, response| response.drop_field("date")),
    ("a Date in another form", "HTTPS-054", same, |_, response| response.set("Date", "2026-01-01T00:00:00Z")),
    ("no Cache-Control", "HTTPS-013", same, |_, response| response.drop_field("cache-control")),
    ("another content type", "HTTPS-052", same, |_, response| response.set("Content-Type", "application/json")),
    ("a space in the content type", "HTTPS-030", same, |_, response| {
        response.set("Content-Type", "application/openc2+json; version=1.0");
    }),
    ("another request_id", "LS-084", same, |_, response| {
        response.edit(|message| message["headers"]["request_id"] = json!("another"));
    }),
    ("no X-Request-ID", "HTTPS-047", same, |_, response| response.drop_field("x-request-id")),
    (
        "X-Request-ID is not taken for a request_id",
        "HTTPS-046",
        |request| {
            request.fields.retain(|(name, _)| !name.eq_ignore_ascii_case("x-request-id"));
        },
        as_it_is,
    ),
    ("a feature that was not asked for", "LS-218", same, |_, response| {
        response.edit_response(|own| own["results"]["rate_limit"] = json!(5));
    }),
    ("an empty results", "LS-146", same, |_, response| response.edit_response(|own| own["results"] = json!({}))),
    ("a version twice", "LS-147", same, |_, response| {
        response.edit_response(|own| {
            if own.pointer("/results/versions").is_some() {
                own["results"]["versions"] = json!(["1.0", "1.0"])
            }
        });
    }),
    ("a version that is no text", "LS-203", same, |_, response| {
        response.edit_response(|own| {
            if own.pointer("/results/versions").is_some() {
                own["results"]["versions"] = json!([1.0])
            }
        });
    }),
    ("created in seconds", "LS-079", same, |_, response| {
        response.edit(|message| {
            message["headers"]["created"] = json!(message["headers"]["created"].as_u64().unwrap_or(0) / 1000)
        });
    }),
    ("a Response without the wrapper", "HTTPS-038", same, |_, response| {
        response.edit(|message| *message = message.pointer("/body/openc2/response").cloned().unwrap_or_default());
    }),
    ("405 for other methods", "HTTPS-066", same, |sent, response| {
        if sent.method == "GET" {
            response.code = 405
        }
    }),
    ("200 of HTTP for everything", "HTTPS-067", same, |_, response| response.code = 200),
    (
        "PUT is served as POST",
        "HTTPS-009",
        |request| {
            if request.method == "PUT" {
                request.method = "POST".into()
            }
        },
        as_it_is,
    ),
    ("every path is served", "HTTPS-016", |request| request.path = "/.well-known/openc2".into(), as_it_is),
    (
        "every content type is taken",
        "HTTPS-031",
        |request| {
            request.set("Content-Type", "application/openc2+json;version=1.0");
        },
        as_it_is,
    ),
    ("duplicate members are tolerated", "LS-046", |request| request.edit(|_| ()), as_it_is),
    (
        "text behind the message is tolerated",
        "HTTPS-010",
        |request| {
            let mut texts = serde_json::Deserializer::from_slice(&request.body).into_iter::<Value>();
            if let Some(Ok(first)) = texts.next() {
                request.body = first.to_string().into_bytes();
            }
        },
        as_it_is,
    ),
    (
        "surrogates are mended",
        "LS-047",
        |request| {
            request.edit_text(|text| if text.contains("\\ude00") { text } else { text.replace("\\ud83d", "?") });
        },
        as_it_is,
    ),
    (
        "octets that are no UTF-8 are mended",
        "LS-045",
        |request| {
            request.body = String::from_utf8_lossy(&request.body).into_owned().into_bytes();
        },
        as_it_is,
    ),
    ("names in any case", "LS-001", |request| request.edit_text(|text| text.to_lowercase()), as_it_is),
    (
        "members of a Command that nobody defines are ignored",
        "LS-086",
        |request| {
            request.edit_command(|command| keep(command, &["action", "target", "args", "actuator", "command_id"]));
        },
        as_it_is,
    ),
    (
        "the first target is taken",
        "LS-097",
        |request| {
            request.edit_command(|command| {
                let first =
                    command["target"].as_object().and_then(|own| own.keys().next().cloned()).unwrap_or_default();
                keep(&mut command["target"], &[&first]);
            });
        },
        as_it_is,
    ),
    (
        "three time arguments are tolerated",
        "LS-122",
        |request| {
            if request.command("/args/start_time").is_number() && request.command("/args/stop_time").is_number() {
                drop_arg(request, "duration");
            }
        },
        as_it_is,
    ),
    ("start_time is ignored", "LS-124", |request| drop_arg(request, "start_time"), as_it_is),
    (
        "none is answered",
        "LS-127",
        |request| {
            if request.command("/args/response_requested") == "none" {
                drop_arg(request, "response_requested");
            }
        },
        as_it_is,
    ),
    (
        "ack is answered with the end",
        "LS-128",
        |request| {
            if request.command("/args/response_requested") == "ack" {
                drop_arg(request, "response_requested");
            }
        },
        as_it_is,
    ),
    ("without response_requested ack is meant", "LS-131", same, |sent, response| {
        if sent.command("/action") == "deny" && sent.command("/args/response_requested").is_null() {
            response.edit_response(|own| *own = json!({"status": 102}));
        }
    }),
    (
        "arguments of query features are ignored",
        "LS-209",
        |request| {
            if request.command("/action") == "query" {
                request.edit_command(|command| remove(command, "args"));
            }
        },
        as_it_is,
    ),
    ("what nobody knows is 404 and not 501", "LS-144", same, |_, response| {
        if response.code == 501 {
            response.status(404)
        }
    }),
    ("a pair is performed and not listed", "LS-215", same, |_, response| {
        response.edit_response(|own| {
            if let Some(pairs) = own.pointer_mut("/results/pairs") {
                remove(pairs, "allow")
            }
        });
    }),
    (
        "the prefix is cut to what fits",
        "LS-169",
        |request| request.edit_text(|text| text.replace("/33\"", "/32\"")),
        as_it_is,
    ),
    ("a port beyond 65535 wraps", "LS-200", |request| request.edit_text(|text| text.replace("65536", "0")), as_it_is),
    ("a number may be a text", "LS-055", |request| request.edit_text(|text| text.replace("\"5\"", "5")), as_it_is),
    ("no profile is told", "ARCH-009", same, |_, response| {
        response.edit_response(|own| {
            if let Some(results) = own.get_mut("results") {
                remove(results, "profiles")
            }
        });
    }),
    (
        "another profile is performed all the same",
        "ARCH-013",
        |request| {
            request.edit_command(|command| remove(command, "actuator"));
        },
        as_it_is,
    ),
    ("what is replayed is performed again", "ARCH-017", renamed, named_back),
    (
        "specifiers are ignored",
        "SLPF-043",
        |request| {
            request.edit_command(|command| {
                if command.pointer("/actuator/slpf").is_some() {
                    command["actuator"]["slpf"] = json!({})
                }
            });
        },
        as_it_is,
    ),
    ("arguments that nobody has are ignored", "SLPF-111", |request| drop_arg(request, "x-none"), as_it_is),
    ("what is not supported is 400", "SLPF-112", same, |_, response| {
        if response.code == 501 {
            response.status(400)
        }
    }),
    ("another sentence for options", "SLPF-113", same, |_, response| {
        response.edit_response(|own| own["status_text"] = json!("no"));
    }),
    (
        "drop_process is ignored on allow",
        "SLPF-058",
        |request| {
            if request.command("/action") == "allow" {
                drop_slpf_arg(request, "drop_process");
            }
        },
        as_it_is,
    ),
    ("insert_rule is ignored", "SLPF-121", |request| drop_slpf_arg(request, "insert_rule"), as_it_is),
    (
        "a number is given twice",
        "SLPF-122",
        |request| drop_slpf_arg(request, "insert_rule"),
        |sent, response| {
            let number = sent.command("/args/slpf/insert_rule");
            if number.is_number() {
                response.edit_response(|own| own["results"] = json!({"slpf": {"rule_number": number}}));
            }
        },
    ),
    ("a number in use is 400", "SLPF-123", same, |_, response| {
        if response.code == 501 {
            response.status(400)
        }
    }),
    ("the rule number is not told", "SLPF-120", same, |_, response| {
        response.edit_response(|own| {
            if own.pointer("/results/slpf").is_some() {
                remove(own, "results")
            }
        });
    }),
    ("the rule number is outside slpf", "LS-043", same, |_, response| {
        response.edit_response(|own| {
            if let Some(number) = own.pointer("/results/slpf/rule_number").cloned() {
                own["results"] = json!({"rule_number": number});
            }
        });
    }),
    ("delete of what is not there succeeds", "SLPF-158", same, |_, response| {
        if response.code == 500 {
            response.status(200)
        }
    }),
    ("delete of what is not there is 404", "SLPF-159", same, |_, response| {
        if response.code == 500 {
            response.status(404)
        }
    }),
    ("a file that is not there is 404", "SLPF-177", same, |_, response| {
        if response.code == 500 {
            response.status(404)
        }
    }),
    (
        "a direction that does not exist is both",
        "SLPF-026",
        |request| {
            if !["both", "ingress", "egress"].iter().any(|own| request.command("/args/slpf/direction") == *own) {
                drop_slpf_arg(request, "direction");
            }
        },
        as_it_is,
    ),
    (
        "a rule without an end where one is asked for",
        "SLPF-212",
        |request| {
            if request.command("/args/response_requested") == "none" {
                drop_arg(request, "response_requested");
            }
        },
        as_it_is,
    ),
    ("connections are closed after one exchange", "HTTPS-011", same, |_, response| response.set("Connection", "close")),
    // In CBOR.
    (
        "an address of three octets is taken",
        "LS-193",
        |request| replace(&mut request.body, b"\x81\x43\xc0\x00\x02", b"\x81\x44\xc0\x00\x02\x00"),
        as_it_is,
    ),
    (
        "an action that is none is query",
        "LS-096",
        |request| replace(&mut request.body, b"\x82\x18\x21\xa1\x09", b"\x82\x03\xa1\x09"),
        as_it_is,
    ),
    ("the targets in pairs are counted", "LS-232", same, |_, response| {
        replace(&mut response.body, b"\x84\x0f\x10\x0d\x0e", b"\x84\x01\x02\x03\x04");
    }),
    ("the results of a profile have another id", "LS-151", same, |_, response| {
        replace(&mut response.body, b"\xa1\x19\x04\x00\xa1\x19\x04\x00", b"\xa1\x19\x04\x01\xa1\x19\x04\x00");
    }),
    ("a status has a name in CBOR", "LS-071", same, |_, response| {
        replace(&mut response.body, b"\xa1\x02\xa2\x01\x18\xc8", b"\xa1\x02\xa2\x66status\x18\xc8");
    }),
    ("CBOR is called JSON", "LS-075", same, |request, response| {
        if request.body.first() == Some(&0x82) {
            response.set("Content-Type", "application/openc2+json;version=1.0");
        }
    }),
    ("a Host that is missing is invented", "HTTPS-077", |request| request.set("Host", "invented"), as_it_is),
];
