//! What a Producer can build, and what it cannot (SLPF 2.3, 3.1).

use oc2_core::shape::read::Mode;
use oc2_core::target::{Ipv4Connection, Ipv4Net, Ipv6Connection, Ipv6Net};
use oc2_core::types::hashes::{Hash, Hashes};
use oc2_core::types::port::L4Protocol;
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{Command, Invalid, ResponseType};
use oc2_profile_slpf::{Direction, DropProcess, RuleNumber, Slpf, Specifiers};

use crate::support::{command, understood, written};

/// Built like this, read in strict mode as the same, and understood.
#[track_caller]
fn check(built: Result<Command, Invalid>, json: &str) {
    let built = built.expect(json);
    assert_eq!(written(&built), json);
    let read = command(json, Mode::Strict);
    assert_eq!(read, built, "{json}");
    assert_eq!(understood(&read), understood(&built), "{json}");
    understood(&read).expect(json);
}

fn v4() -> Ipv4Net {
    "198.51.100.0/24".parse().expect("a net")
}

fn number(number: i64) -> RuleNumber {
    RuleNumber::new(number).expect("a number")
}

fn time(milliseconds: u64) -> DateTime {
    DateTime::from_millis(milliseconds).expect("a time")
}

fn duration(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds).expect("a duration")
}

// SLPF-067 to SLPF-069, SLPF-115 to SLPF-117, SLPF-183, SLPF-191 to SLPF-194
#[test]
fn allow_and_deny_ask_for_complete_unless_told_otherwise() {
    check(
        Slpf::deny(v4()).build(),
        r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"},"args":{"response_requested":"complete"}}"#,
    );
    check(
        Slpf::allow("2001:db8::/32".parse::<Ipv6Net>().expect("a net")).build(),
        r#"{"action":"allow","target":{"ipv6_net":"2001:db8::/32"},"args":{"response_requested":"complete"}}"#,
    );
    let connection = Ipv4Connection::builder().protocol(L4Protocol::Tcp).dst_port(80).build().expect("a connection");
    check(
        Slpf::allow(connection).response_requested(ResponseType::Ack).build(),
        r#"{"action":"allow","target":{"ipv4_connection":{"dst_port":80,"protocol":"tcp"}},"args":{"response_requested":"ack"}}"#,
    );
    let connection = Ipv6Connection::builder().src_port(21).build().expect("a connection");
    check(
        Slpf::deny(connection).insert_rule(number(7)).build(),
        r#"{"action":"deny","target":{"ipv6_connection":{"src_port":21}},"args":{"response_requested":"complete","slpf":{"insert_rule":7}}}"#,
    );
}

// SLPF-037, SLPF-189, SLPF-197 to SLPF-201
#[test]
fn every_argument_can_be_set() {
    let specifiers = Specifiers { asset_id: Some("30".into()), ..Specifiers::default() };
    check(
        Slpf::deny(v4())
            .drop_process(DropProcess::Reject)
            .direction(Direction::Ingress)
            .persistent(false)
            .insert_rule(number(-3))
            .start_time(time(5))
            .stop_time(time(9))
            .to(specifiers)
            .build(),
        concat!(
            r#"{"action":"deny","target":{"ipv4_net":"198.51.100.0/24"},"#,
            r#""args":{"start_time":5,"stop_time":9,"response_requested":"complete","#,
            r#""slpf":{"drop_process":"reject","persistent":false,"direction":"ingress","insert_rule":-3}},"#,
            r#""actuator":{"slpf":{"asset_id":"30"}}}"#,
        ),
    );
    check(
        Slpf::allow(v4()).duration(duration(500)).to(Specifiers::default()).build(),
        concat!(
            r#"{"action":"allow","target":{"ipv4_net":"198.51.100.0/24"},"#,
            r#""args":{"duration":500,"response_requested":"complete"},"actuator":{"slpf":{}}}"#,
        ),
    );
    for response in ResponseType::ALL {
        let built = Slpf::deny(v4()).response_requested(*response).build().expect("any answer");
        assert_eq!(built.args.response_requested(), Some(response));
    }
}

// SLPF-070, SLPF-118
#[test]
fn insert_rule_goes_with_complete_only() {
    for response in [ResponseType::None, ResponseType::Ack, ResponseType::Status] {
        for built in [
            Slpf::allow(v4()).insert_rule(number(1)).response_requested(response).build(),
            Slpf::deny(v4()).response_requested(response).insert_rule(number(1)).build(),
        ] {
            assert_eq!(
                built.expect_err("not complete").to_string(),
                "insert_rule goes with response_requested complete only (SLPF 2.3.1)"
            );
        }
    }
}

// LS-122
#[test]
fn times_that_contradict_each_other_cannot_be_built() {
    Slpf::deny(v4()).start_time(time(1)).stop_time(time(2)).duration(duration(1)).build().expect_err("three");
    Slpf::deny(v4()).start_time(time(2)).stop_time(time(1)).build().expect_err("backwards");
    Slpf::delete(number(1))
        .start_time_despite_2_3_4_1(time(2))
        .stop_time_despite_2_3_4_1(time(1))
        .build()
        .expect_err("backwards");
}

// S3, SLPF-146 to SLPF-149, SLPF-196, SLPF-200, SLPF-201
#[test]
fn delete_carries_response_requested_and_times_only_on_explicit_demand() {
    check(
        Slpf::delete(number(1234)).build(),
        r#"{"action":"delete","target":{"slpf:rule_number":1234},"args":{"response_requested":"complete"}}"#,
    );
    check(
        Slpf::delete(number(1234)).to(Specifiers::default()).build(),
        r#"{"action":"delete","target":{"slpf:rule_number":1234},"args":{"response_requested":"complete"},"actuator":{"slpf":{}}}"#,
    );
    check(
        Slpf::delete(number(1)).start_time_despite_2_3_4_1(time(5)).duration_despite_2_3_4_1(duration(3)).build(),
        r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"start_time":5,"duration":3,"response_requested":"complete"}}"#,
    );
    check(
        Slpf::delete(number(1)).stop_time_despite_2_3_4_1(time(5)).build(),
        r#"{"action":"delete","target":{"slpf:rule_number":1},"args":{"stop_time":5,"response_requested":"complete"}}"#,
    );
}

// S3, S4, SLPF-166 to SLPF-169, SLPF-195, SLPF-200
#[test]
fn update_names_a_file_and_is_not_asked_for_its_status() {
    check(
        Slpf::update("a.conf").build(),
        r#"{"action":"update","target":{"file":{"name":"a.conf"}},"args":{"response_requested":"complete"}}"#,
    );
    let hashes = Hashes::builder().md5(Hash([0; 16])).build().expect("hashes");
    check(
        Slpf::update("a.conf").path("/etc").hashes(hashes).to(Specifiers::default()).build(),
        concat!(
            r#"{"action":"update","#,
            r#""target":{"file":{"name":"a.conf","path":"/etc","hashes":{"md5":"00000000000000000000000000000000"}}},"#,
            r#""args":{"response_requested":"complete"},"actuator":{"slpf":{}}}"#,
        ),
    );
    check(
        Slpf::update("a").start_time_despite_2_3_5_1(time(5)).build(),
        r#"{"action":"update","target":{"file":{"name":"a"}},"args":{"start_time":5,"response_requested":"complete"}}"#,
    );
    for response in [ResponseType::Complete, ResponseType::Ack, ResponseType::None] {
        Slpf::update("a").response_requested(response).build().expect("an answer it may ask for");
    }
    assert_eq!(
        Slpf::update("a").response_requested(ResponseType::Status).build().expect_err("status").to_string(),
        "update file is answered by complete, ack or none only (SLPF 2.3.5.1)"
    );
}
