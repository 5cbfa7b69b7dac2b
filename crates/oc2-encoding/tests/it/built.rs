//! What is built in Rust, as JSON: it is strict, it is I-JSON, and it is read again as the same.

use oc2_core::any::Any;
use oc2_core::message::Recipients;
use oc2_core::response::{Pairs, Profiles, RateLimit, Versions};
use oc2_core::target::{Artifact, Device, File, Ipv4Connection, Ipv6Connection, Ipv6Net, Pid, Process, Properties};
use oc2_core::types::hashes::{Hash, Hashes};
use oc2_core::types::payload::{Binary, Payload};
use oc2_core::types::port::{L4Protocol, Port};
use oc2_core::types::text::{CommandId, RequestId, Uri, Version};
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{
    Action, Actuator, Args, Command, Feature, Features, Form, Headers, Message, Mode, Nsid, Response, ResponseType,
    Results, StatusCode, Target,
};
use oc2_encoding::{Encoding, Json};
use oc2_profile_slpf::{AssetTuple, Direction, DropProcess, RuleNumber, Slpf, Specifiers};

use crate::i_json;

/// Written like this, as I-JSON, and read again as the same.
#[track_caller]
fn check(message: &Message, json: &str) {
    let written = Json.encode(message, Form::DEFAULT).expect(json);
    assert_eq!(String::from_utf8_lossy(&written), json);
    assert_eq!(i_json::check(&written), Ok(()), "{json}");
    let again = Json.decode(&written, Mode::Strict).expect(json);
    assert_eq!(again.message, *message, "{json}");
    assert!(again.notes.is_empty(), "{json}: {:?}", again.notes);
}

#[track_caller]
fn command(command: Command, json: &str) {
    check(&Message::request(Headers::default(), command), &format!(r#"{{"body":{{"openc2":{{"request":{json}}}}}}}"#));
}

#[track_caller]
fn target(target: impl Into<Target>, json: &str) {
    command(Command::new(Action::Scan, target), &format!(r#"{{"action":"scan","target":{json}}}"#));
}

#[track_caller]
fn response(response: Response, json: &str) {
    check(
        &Message::response(Headers::default(), response),
        &format!(r#"{{"body":{{"openc2":{{"response":{json}}}}}}}"#),
    );
}

fn millis(milliseconds: u64) -> DateTime {
    DateTime::from_millis(milliseconds).expect("a time")
}

// JADN-019, LS-001, LS-003, LS-227, LS-230
#[test]
fn members_are_written_in_the_order_of_the_tables() {
    let args = Args::builder()
        .response_requested(ResponseType::Ack)
        .duration(Duration::from_millis(500).expect("a duration"))
        .start_time(millis(1_534_775_460_000))
        .set::<Slpf>(oc2_profile_slpf::Args {
            drop_process: Some(DropProcess::None),
            direction: Some(Direction::Egress),
            persistent: Some(false),
            insert_rule: RuleNumber::new(-7).ok(),
        })
        .build()
        .expect("arguments");
    let specifiers = Specifiers {
        asset_tuple: AssetTuple::new(vec!["a".into(), "b".into()]).ok(),
        hostname: "198.51.100.1".parse().ok(),
        ..Specifiers::default()
    };
    let connection = Ipv4Connection::builder()
        .protocol(L4Protocol::Tcp)
        .dst_port(80)
        .src_addr("1.2.3.4".parse::<oc2_core::target::Ipv4Net>().expect("a net"))
        .build()
        .expect("a connection");
    let content = Command::new(Action::Deny, connection)
        .with_args(args)
        .with_actuator(Actuator::new::<Slpf>(specifiers))
        .with_command_id("c-1".parse().expect("an id"));
    let headers = Headers::builder()
        .to(Recipients::new(vec!["b".into()]).expect("one"))
        .from("a")
        .created(millis(1_595_268_027_000))
        .request_id("id".parse::<RequestId>().expect("an id"))
        .build()
        .expect("headers");
    let mut message = Message::request(headers, content);
    message.signature = Some("e30..c2ln".into());
    check(
        &message,
        concat!(
            r#"{"headers":{"request_id":"id","created":1595268027000,"from":"a","to":["b"]},"#,
            r#""body":{"openc2":{"request":{"action":"deny","#,
            r#""target":{"ipv4_connection":{"src_addr":"1.2.3.4","dst_port":80,"protocol":"tcp"}},"#,
            r#""args":{"start_time":1534775460000,"duration":500,"response_requested":"ack","#,
            r#""slpf":{"drop_process":"none","persistent":false,"direction":"egress","insert_rule":-7}},"#,
            r#""actuator":{"slpf":{"hostname":"198.51.100.1","asset_tuple":["a","b"]}},"command_id":"c-1"}}},"#,
            r#""signature":"e30..c2ln"}"#,
        ),
    );
}

// LS-029, LS-093, LS-146, M7, L31: absence is silence.
#[test]
fn what_is_empty_is_not_written() {
    check(
        &Message::response(Headers::default(), Response::new(StatusCode::Ok)),
        r#"{"body":{"openc2":{"response":{"status":200}}}}"#,
    );
    let bare =
        Command::new(Action::Query, Features::default()).with_args(Args::builder().build().expect("no arguments"));
    command(bare, r#"{"action":"query","target":{"features":[]}}"#);
    response(
        Response::new(StatusCode::Ok).with_results(Results::builder().build().expect("no results")),
        r#"{"status":200}"#,
    );
    command(
        Command::new(Action::Query, Features::default()).with_actuator(Actuator::new::<Slpf>(Specifiers::default())),
        r#"{"action":"query","target":{"features":[]},"actuator":{"slpf":{}}}"#,
    );
}

// JADN-021, LS-049 to LS-053, LS-158, LS-193, LS-194, L15, L16, L18, L21
#[test]
fn each_target_is_written_as_it_is_read() {
    let hashes = Hashes::builder().md5(Hash([0xAB; 16])).sha256(Hash([0x0F; 32])).build().expect("hashes");
    let payload = Payload::Bin(Binary(vec![0xFB, 0xFF, 0xFE]));
    target(
        Target::from(
            Artifact::builder().payload(payload).hashes(hashes).mime_type("a/b").build().expect("an artifact"),
        ),
        &format!(
            r#"{{"artifact":{{"mime_type":"a/b","payload":{{"bin":"-__-"}},"hashes":{{"md5":"{}","sha256":"{}"}}}}}}"#,
            "AB".repeat(16),
            "0F".repeat(32)
        ),
    );
    let url: Uri = "https://example.com/a".parse().expect("a URI");
    target(
        Target::from(Artifact::builder().payload(Payload::Url(url)).build().expect("an artifact")),
        r#"{"artifact":{"payload":{"url":"https://example.com/a"}}}"#,
    );
    for (octets, text) in [(&b""[..], ""), (b"h", "aA"), (b"he", "aGU"), (b"hel", "aGVs"), (b"hell", "aGVsbA")] {
        let payload = Payload::Bin(Binary(octets.to_vec()));
        target(
            Target::from(Artifact::builder().payload(payload).build().expect("an artifact")),
            &format!(r#"{{"artifact":{{"payload":{{"bin":"{text}"}}}}}}"#),
        );
    }
    target(Target::Command(CommandId::new("").expect("an id")), r#"{"command":""}"#);
    let device = Device::builder().device_id("\u{1}\u{7F}\"\\/\u{2028}").build().expect("a device");
    target(Target::from(device), "{\"device\":{\"device_id\":\"\\u0001\u{7F}\\\"\\\\/\u{2028}\"}}");
    target(Target::DomainName("a.example.".parse().expect("a name")), r#"{"domain_name":"a.example"}"#);
    target(Target::EmailAddr("a@b".parse().expect("an address")), r#"{"email_addr":"a@b"}"#);
    target(
        [Feature::Pairs, Feature::Versions, Feature::Pairs].into_iter().collect::<Features>(),
        r#"{"features":["pairs","versions"]}"#,
    );
    target(File::builder().path("/b").name("a").build().expect("a file"), r#"{"file":{"name":"a","path":"/b"}}"#);
    target(Target::IdnDomainName("bücher.example".parse().expect("a name")), r#"{"idn_domain_name":"bücher.example"}"#);
    target(Target::IdnEmailAddr("ä@b".parse().expect("an address")), r#"{"idn_email_addr":"ä@b"}"#);
    target("10.0.0.5/8".parse::<oc2_core::target::Ipv4Net>().expect("a net"), r#"{"ipv4_net":"10.0.0.5/8"}"#);
    target("2001:DB8:0:0::/32".parse::<Ipv6Net>().expect("a net"), r#"{"ipv6_net":"2001:db8::/32"}"#);
    let connection = Ipv6Connection::builder().src_port(Port(0)).dst_port(65535).build().expect("a connection");
    target(connection, r#"{"ipv6_connection":{"src_port":0,"dst_port":65535}}"#);
    target(Target::Iri("a:ä".parse().expect("an IRI")), r#"{"iri":"a:ä"}"#);
    target(Target::MacAddr("0a:0b:0c:0d:0e:0f".parse().expect("an address")), r#"{"mac_addr":"0A:0B:0C:0D:0E:0F"}"#);
    let parent = Process::builder().name("init").build().expect("a process");
    let process = Process::builder().pid(Pid::from(7)).parent(parent).build().expect("a process");
    target(Target::Process(process), r#"{"process":{"pid":7,"parent":{"name":"init"}}}"#);
    let properties = Properties::new(vec!["b".into(), "a".into()]).expect("properties");
    target(Target::Properties(properties), r#"{"properties":["b","a"]}"#);
    target(Target::Uri("a:".parse().expect("a URI")), r#"{"uri":"a:"}"#);
    let number = oc2_profile_slpf::Target::RuleNumber(RuleNumber::new(1234).expect("a number"));
    target(Target::extended::<Slpf>(number).expect("a target"), r#"{"slpf:rule_number":1234}"#);
}

// LS-037, LS-042, LS-147 to LS-151, LS-203, LS-218
#[test]
fn results_are_written_as_they_are_read() {
    let pairs = ["query features", "delete slpf:rule_number", "query features", "allow ipv6_net", "allow ipv4_net"]
        .map(|pair| pair.parse().expect("a pair"));
    let results = Results::builder()
        .rate_limit(RateLimit::new(30.0).expect("a limit"))
        .pairs(Pairs::new(pairs).expect("pairs"))
        .profiles(Profiles::new(vec![Nsid::SLPF]).expect("profiles"))
        .versions(Versions::new(vec![Version::v1_0()]).expect("versions"))
        .set::<Slpf>(oc2_profile_slpf::Results::rule(RuleNumber::new(5).expect("it is small")))
        .build()
        .expect("results");
    response(
        Response::new(StatusCode::Ok).with_text("done").with_results(results),
        concat!(
            r#"{"status":200,"status_text":"done","results":{"versions":["1.0"],"profiles":["slpf"],"#,
            r#""pairs":{"query":["features"],"allow":["ipv6_net","ipv4_net"],"delete":["slpf:rule_number"]},"#,
            r#""rate_limit":30,"slpf":{"rule_number":5}}}"#,
        ),
    );
    for (limit, text) in [(0.0, "0"), (0.5, "0.5"), (-0.0, "0"), (9_007_199_254_740_991.0, "9007199254740991")] {
        let results = Results::builder().rate_limit(RateLimit::new(limit).expect("a limit")).build().expect("results");
        response(
            Response::new(StatusCode::Ok).with_results(results),
            &format!(r#"{{"status":200,"results":{{"rate_limit":{text}}}}}"#),
        );
    }
    for status in StatusCode::ALL {
        response(Response::new(*status), &format!(r#"{{"status":{}}}"#, status.as_u16()));
    }
}

// LS-038: whoever knows no profile hands on what others set.
#[test]
fn what_was_read_untyped_is_written_beside_what_was_typed() {
    let json = br#"{"body":{"openc2":{"request":{"action":"deny","target":{"uri":"a:"},"args":{"x-b":{"c":[1,{"d":0.5}]}}}}}}"#;
    let read = Json.decode(json, Mode::Strict).expect("a message").message;
    let oc2_core::Content::Request(read) = read.into_content() else { panic!("a request") };
    let args = read.args.into_builder().set::<Slpf>(oc2_profile_slpf::Args::default()).build().expect("arguments");
    command(
        Command::new(read.action, read.target).with_args(args),
        r#"{"action":"deny","target":{"uri":"a:"},"args":{"x-b":{"c":[1,{"d":0.5}]},"slpf":{}}}"#,
    );
    let results = Results::builder().set_any(Nsid::constant("x-b"), Any::typed(Specifiers::default())).build();
    response(
        Response::new(StatusCode::Ok).with_results(results.expect("results")),
        r#"{"status":200,"results":{"x-b":{}}}"#,
    );
}
