//! Which action goes with which target, and which argument with both (SLPF tables 2.3-1, 2.3-2).

use oc2_core::profile::CommonArg;
use oc2_core::shape::read::Mode;
use oc2_core::{Action, Nsid, Profile};
use oc2_profile_slpf::Slpf;

use crate::support::{command, understood};

/// Each target of the language, the profile's own, and one of another profile.
const TARGETS: [(&str, &str); 21] = [
    ("artifact", r#"{"artifact":{"mime_type":"a/b"}}"#),
    ("command", r#"{"command":"a"}"#),
    ("device", r#"{"device":{"device_id":"a"}}"#),
    ("domain_name", r#"{"domain_name":"a.example"}"#),
    ("email_addr", r#"{"email_addr":"a@b"}"#),
    ("features", r#"{"features":[]}"#),
    ("file", r#"{"file":{"name":"a"}}"#),
    ("idn_domain_name", r#"{"idn_domain_name":"a.example"}"#),
    ("idn_email_addr", r#"{"idn_email_addr":"a@b"}"#),
    ("ipv4_net", r#"{"ipv4_net":"1.2.3.4"}"#),
    ("ipv6_net", r#"{"ipv6_net":"::1"}"#),
    ("ipv4_connection", r#"{"ipv4_connection":{"dst_port":80}}"#),
    ("ipv6_connection", r#"{"ipv6_connection":{"dst_port":80}}"#),
    ("iri", r#"{"iri":"a:"}"#),
    ("mac_addr", r#"{"mac_addr":"00:1A:2B:3C:4D:5E"}"#),
    ("process", r#"{"process":{"pid":1}}"#),
    ("properties", r#"{"properties":["a"]}"#),
    ("uri", r#"{"uri":"a:"}"#),
    ("slpf:rule_number", r#"{"slpf:rule_number":1234}"#),
    ("slpf:other", r#"{"slpf:other":1234}"#),
    ("x-a:rule_number", r#"{"x-a:rule_number":1234}"#),
];

/// Table 2.3-1 without its column "Query", which the language takes care of.
const PAIRS: [(&str, &str); 10] = [
    ("allow", "ipv4_connection"),
    ("allow", "ipv6_connection"),
    ("allow", "ipv4_net"),
    ("allow", "ipv6_net"),
    ("deny", "ipv4_connection"),
    ("deny", "ipv6_connection"),
    ("deny", "ipv4_net"),
    ("deny", "ipv6_net"),
    ("delete", "slpf:rule_number"),
    ("update", "file"),
];

/// Each argument with a value that suits it.
const ARGS: [(&str, &str); 8] = [
    ("response_requested", r#""response_requested":"complete""#),
    ("start_time", r#""start_time":1"#),
    ("stop_time", r#""stop_time":1"#),
    ("duration", r#""duration":1"#),
    ("slpf.persistent", r#""slpf":{"persistent":true}"#),
    ("slpf.direction", r#""slpf":{"direction":"both"}"#),
    ("slpf.insert_rule", r#""response_requested":"complete","slpf":{"insert_rule":1}"#),
    ("slpf.drop_process", r#""slpf":{"drop_process":"none"}"#),
];

/// Table 2.3-2, a row for each argument, its columns allow, deny, delete, update; with what S3 adds to delete.
const MATRIX: [(&str, [bool; 4]); 8] = [
    ("response_requested", [true, true, true, true]),
    ("start_time", [true, true, true, true]),
    ("stop_time", [true, true, true, false]),
    ("duration", [true, true, true, false]),
    ("slpf.persistent", [true, true, false, false]),
    ("slpf.direction", [true, true, false, false]),
    ("slpf.insert_rule", [true, true, false, false]),
    ("slpf.drop_process", [false, true, false, false]),
];

// LS-034, SLPF-001, SLPF-002
#[test]
fn the_profile_has_its_names_and_no_action_of_its_own() {
    assert_eq!(Slpf::NSID, Nsid::SLPF);
    assert_eq!(Slpf::NAME, "oasis-open.org/openc2/v1.0/ap-slpf");
    assert_eq!(Slpf::NSID.registered_id(), Some(1024));
    assert!(Slpf::COMMANDS.iter().all(|row| Action::ALL.contains(&row.action)));
}

// SLPF-006, SLPF-007, SLPF-052 to SLPF-056, SLPF-144, SLPF-161
#[test]
fn a_command_is_a_pair_of_table_2_3_1_and_no_other_pair_is_understood() {
    let rows: Vec<_> = Slpf::COMMANDS.iter().map(|row| row.pair().to_string()).collect();
    assert_eq!(rows, PAIRS.map(|(action, target)| format!("{action} {target}")));
    let mut n_pairs = 0;
    for action in Action::ALL {
        for (name, target) in TARGETS {
            let json = format!(r#"{{"action":"{action}","target":{target}}}"#);
            let command = command(&json, Mode::Strict);
            let is_valid = PAIRS.contains(&(action.name(), name));
            assert_eq!(understood(&command).is_ok(), is_valid, "{action} {name}");
            // Nor is it by whoever forgets to look for the row.
            match Slpf::interpret(&command) {
                Ok(understood) => assert!(is_valid, "{action} {name} is {understood:?}"),
                Err(rejection) => {
                    assert!(!is_valid, "{action} {name}: {rejection}");
                    assert_eq!(rejection.status().as_u16(), 501, "{action} {name}: {rejection}");
                }
            }
            n_pairs += 1;
        }
    }
    assert_eq!(n_pairs, 420);
}

// S3, SLPF-057 to SLPF-062, SLPF-110, SLPF-165
#[test]
fn a_command_takes_the_arguments_of_table_2_3_2() {
    let mut n_cells = 0;
    for (action, name) in PAIRS {
        let target = TARGETS.iter().find(|(known, _)| *known == name).expect(name).1;
        let column = ["allow", "deny", "delete", "update"].iter().position(|known| *known == action).expect(action);
        for (arg, allowed) in MATRIX {
            let value = ARGS.iter().find(|(known, _)| *known == arg).expect(arg).1;
            let json = format!(r#"{{"action":"{action}","target":{target},"args":{{{value}}}}}"#);
            for mode in [Mode::Lenient, Mode::Strict] {
                let refused = understood(&command(&json, mode)).err();
                let expected = (!allowed[column]).then(|| (501, format!("Option not supported: args.{arg}")));
                let found = refused.map(|rejection| (rejection.status().as_u16(), rejection.text().to_owned()));
                assert_eq!(found, expected, "{action} {name}: {arg}");
            }
            n_cells += 1;
        }
    }
    assert_eq!(n_cells, 80);
}

// SLPF-021, SLPF-063, SLPF-064, SLPF-065, SLPF-111 to SLPF-113, L2
#[test]
fn an_argument_that_no_table_has_is_an_option_not_supported() {
    for (action, name) in PAIRS {
        let target = TARGETS.iter().find(|(known, _)| *known == name).expect(name).1;
        for (args, named) in [
            (r#""direction":"ingress""#, "direction"),
            (r#""comment":"a""#, "comment"),
            (r#""slpf":{"stateful":true}"#, "slpf.stateful"),
            (r#""slpf":{},"x-a":{}"#, "x-a"),
            (r#""er":{}"#, "er"),
        ] {
            let json = format!(r#"{{"action":"{action}","target":{target},"args":{{{args}}}}}"#);
            let rejection = understood(&command(&json, Mode::Lenient)).expect_err(&json);
            assert_eq!(rejection.status().as_u16(), 501, "{json}");
            assert_eq!(rejection.text(), format!("Option not supported: args.{named}"), "{json}");
        }
        let json = format!(r#"{{"action":"{action}","target":{target},"args":{{"slpf":{{}}}}}}"#);
        understood(&command(&json, Mode::Strict)).expect(&json);
    }
}

// SLPF-016, SLPF-210, SLPF-224, SLPF-225, S4
#[test]
fn a_command_takes_every_answer_and_every_window() {
    for (action, name) in PAIRS {
        let target = TARGETS.iter().find(|(known, _)| *known == name).expect(name).1;
        let with = |args: &str| {
            let json = format!(r#"{{"action":"{action}","target":{target},"args":{{{args}}}}}"#);
            understood(&command(&json, Mode::Strict)).map(|_| ())
        };
        for response in ["none", "ack", "status", "complete"] {
            assert_eq!(with(&format!(r#""response_requested":"{response}""#)), Ok(()), "{action} {name}");
        }
        for times in [r#""start_time":1"#, r#""start_time":1534775460000,"response_requested":"ack""#] {
            assert_eq!(with(times), Ok(()), "{action} {name}");
        }
        for times in
            [r#""start_time":1,"stop_time":2"#, r#""start_time":1,"duration":2"#, r#""stop_time":2,"duration":1"#]
        {
            assert_eq!(with(times).is_ok(), action != "update", "{action} {name}");
        }
    }
}

// SLPF-087, SLPF-094, SLPF-101, SLPF-108, SLPF-130, SLPF-155, SLPF-175: the sentence for whoever does not implement a row
#[test]
fn each_row_has_the_sentence_of_its_section() {
    for row in Slpf::COMMANDS {
        let sentence = match row.action {
            Action::Delete => "target not supported",
            Action::Update => "Command not supported",
            _ => "Target type not supported",
        };
        assert_eq!(row.unsupported, sentence, "{}", row.pair());
        assert!(row.common.contains(&CommonArg::ResponseRequested), "{}", row.pair());
    }
}

// L36
#[test]
fn an_argument_that_is_null_is_absent_in_lenient_mode() {
    let json = r#"{"action":"allow","target":{"ipv4_net":"10.0.0.0/8"},"args":{"slpf":{"drop_process":null}}}"#;
    understood(&command(json, Mode::Lenient)).expect("null is absence");
    let refused = understood(&command(json, Mode::Strict)).expect_err("LS has no null");
    assert_eq!(refused.status().as_u16(), 501);
}
