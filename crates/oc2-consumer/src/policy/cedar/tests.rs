//! What policies in Cedar allow, and what is wrong with those that cannot be used.

use oc2_core::target::{Ipv4Connection, Ipv4Net, Ipv6Net};
use oc2_core::types::port::{L4Protocol, Port};
use oc2_core::types::time::{DateTime, Duration};
use oc2_core::{Action, Command, Features, Target};
use oc2_profile_slpf::{Direction, Slpf};
use oc2_transfer::Peer;

use super::*;

const ENTITIES: &str = r#"[
  {"uid": {"type": "OpenC2::Peer", "id": "soc-1"}, "attrs": {"from": ["soc-1", "soc"]},
   "parents": [{"type": "OpenC2::Group", "id": "night"}]},
  {"uid": {"type": "OpenC2::Group", "id": "night"}, "attrs": {}, "parents": [{"type": "OpenC2::Group", "id": "soc"}]}
]"#;

fn slpf() -> [Terms; 1] {
    [Terms::of::<Slpf>()]
}

fn policy(text: &str) -> CedarPolicy {
    CedarPolicy::parse(text, Some(ENTITIES), &slpf()).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    CedarPolicy::parse(text, None, &slpf()).expect_err("it cannot be used").to_string()
}

fn known(name: &str) -> Peer {
    Peer::Authenticated(name.into())
}

fn net(text: &str) -> Ipv4Net {
    text.parse().expect("a net")
}

fn query() -> Command {
    Command::new(Action::Query, Features::default())
}

/// The rule, or the reason.
fn judge(policy: &CedarPolicy, peer: &Peer, command: &Command) -> Result<String, String> {
    let slpf = slpf();
    let profiles = if command.action == Action::Query { &[][..] } else { &slpf };
    match policy.judge(&Question::new(peer, None, command, profiles)) {
        Ok(permit) => Ok(permit.rule().unwrap_or_default()),
        Err(objection) => Err(format!("{}: {}", objection.rejection().status().as_u16(), objection.reason())),
    }
}

#[test]
fn what_no_policy_permits_is_refused() {
    let nothing = policy("");
    let deny = Slpf::deny(net("198.51.100.0/24")).build().unwrap();
    let refused = Err("403: no policy permits soc-1 to deny ipv4_net through slpf".to_owned());
    assert_eq!(judge(&nothing, &known("soc-1"), &deny), refused);
    let look = policy(r#"permit (principal, action == OpenC2::Action::"query", resource);"#);
    assert_eq!(judge(&look, &known("soc-1"), &deny), refused);
    assert_eq!(judge(&look, &known("soc-1"), &query()), Ok("policy0".to_owned()));
}

#[test]
fn groups_of_groups_count_and_nobody_is_in_one_by_name() {
    let soc = policy(r#"@id("soc") permit (principal in OpenC2::Group::"soc", action, resource);"#);
    let deny = Slpf::deny(net("198.51.100.0/24")).build().unwrap();
    assert_eq!(judge(&soc, &known("soc-1"), &deny), Ok("soc".to_owned()));
    for other in ["soc", "night", "soc-2", "unauthenticated"] {
        assert!(judge(&soc, &known(other), &deny).is_err(), "{other}");
    }
    assert!(judge(&soc, &Peer::Unauthenticated("soc-1".into()), &deny).is_err());
}

#[test]
fn who_is_not_authenticated_is_permitted_only_by_name() {
    let stranger = Peer::Unauthenticated("192.0.2.1:1".into());
    let query = query();
    let anybody = policy("permit (principal, action, resource);");
    assert!(judge(&anybody, &known("soc-1"), &query).is_ok());
    let refused = judge(&anybody, &stranger, &query).unwrap_err();
    assert_eq!(refused, "403: no policy permits peers that are not authenticated to query features");
    assert_eq!(anybody.rules_for_unauthenticated().count(), 0);
    for principal in ["principal is OpenC2::Stranger", r#"principal == OpenC2::Stranger::"unauthenticated""#] {
        let named = policy(&format!("@id(\"all\") permit ({principal}, action, resource);"));
        assert_eq!(judge(&named, &stranger, &query), Ok("all".to_owned()));
        assert!(
            judge(&named, &known("unauthenticated"), &query).is_err(),
            "an identity of that name is not a stranger"
        );
        assert_eq!(named.rules_for_unauthenticated().collect::<Vec<_>>(), ["all"]);
    }
    // A policy that forbids is for everybody.
    let forbids = policy(
        r#"permit (principal is OpenC2::Stranger, action, resource);
           @id("no") forbid (principal, action, resource);"#,
    );
    assert_eq!(judge(&forbids, &stranger, &query), Err("403: a policy forbids it".to_owned()));
}

#[test]
fn nets_are_bounded_by_where_they_are_and_how_wide() {
    let small = policy(
        r#"permit (principal, action == OpenC2::Action::"deny", resource is OpenC2::Net)
           when { resource.net.isInRange(ip("198.51.100.0/22")) && resource.prefix >= 24
               || resource.net.isInRange(ip("2001:db8::/32")) && resource.prefix >= 64 };"#,
    );
    let of = |command: Command| judge(&small, &known("soc-1"), &command).is_ok();
    assert!(of(Slpf::deny(net("198.51.100.0/24")).build().unwrap()));
    assert!(of(Slpf::deny(net("198.51.100.7")).build().unwrap()));
    assert!(!of(Slpf::deny(net("198.51.100.0/23")).build().unwrap()), "too wide");
    assert!(!of(Slpf::deny(net("198.51.96.0/20")).build().unwrap()), "beyond it on both sides");
    assert!(!of(Slpf::deny(net("203.0.113.0/24")).build().unwrap()), "elsewhere");
    assert!(!of(Slpf::allow(net("198.51.100.0/24")).build().unwrap()), "another action");
    assert!(of(Slpf::deny("2001:db8:1::/64".parse::<Ipv6Net>().unwrap()).build().unwrap()));
    assert!(!of(Slpf::deny("2001:db9::/64".parse::<Ipv6Net>().unwrap()).build().unwrap()));
}

#[test]
fn an_end_of_a_connection_that_is_not_named_is_every_address() {
    let web = policy(
        r#"permit (principal, action, resource is OpenC2::Connection)
           when { resource.dst.isInRange(ip("198.51.100.0/24")) && resource has dst_port && resource.dst_port == 443
               && resource has protocol && resource.protocol == "tcp" };"#,
    );
    let of =
        |connection: Ipv4Connection| judge(&web, &known("soc-1"), &Slpf::deny(connection).build().unwrap()).is_ok();
    let to = |text: &str| Ipv4Connection::builder().dst_addr(net(text)).protocol(L4Protocol::Tcp);
    assert!(of(to("198.51.100.7").dst_port(Port(443)).build().unwrap()));
    assert!(!of(to("198.51.100.7").dst_port(Port(80)).build().unwrap()));
    assert!(!of(to("198.51.100.7").build().unwrap()), "any port");
    assert!(!of(to("203.0.113.7").dst_port(Port(443)).build().unwrap()));
    let any = Ipv4Connection::builder().dst_port(Port(443)).protocol(L4Protocol::Tcp).build().unwrap();
    assert!(!of(any), "any address");
}

#[test]
fn facts_of_the_profile_have_all_their_values() {
    let ingress = policy(
        r#"permit (principal, action, resource)
           when { context has slpf.direction && context has slpf.persistent && ["ingress"].containsAll(context.slpf.direction)
               && context.slpf.persistent == [false] };"#,
    );
    let deny = || Slpf::deny(net("198.51.100.0/24")).persistent(false);
    let of = |command: Command| judge(&ingress, &known("soc-1"), &command).is_ok();
    assert!(of(deny().direction(Direction::Ingress).build().unwrap()));
    assert!(!of(deny().direction(Direction::Egress).build().unwrap()));
    assert!(!of(deny().build().unwrap()), "both directions");
    assert!(!of(Slpf::deny(net("198.51.100.0/24")).direction(Direction::Ingress).build().unwrap()), "for good");
}

#[test]
fn commands_are_bounded_by_how_long_they_last() {
    let hour = policy(
        r#"permit (principal, action, resource) when { context has duration && context.duration <= duration("1h") };"#,
    );
    let lasting =
        |ms: u64| Slpf::deny(net("198.51.100.0/24")).duration(Duration::from_millis(ms).unwrap()).build().unwrap();
    let of = |command: Command| judge(&hour, &known("soc-1"), &command).is_ok();
    assert!(of(lasting(3_600_000)));
    assert!(!of(lasting(3_600_001)));
    assert!(!of(Slpf::deny(net("198.51.100.0/24")).build().unwrap()), "without an end");
    let late = Slpf::deny(net("198.51.100.0/24")).start_time(DateTime::from_millis(LATE).unwrap()).build().unwrap();
    let all = policy("permit (principal, action, resource);");
    let refused = judge(&all, &known("soc-1"), &late).unwrap_err();
    assert!(refused.contains("start_time is beyond the year 9999"), "{refused}");
}

#[test]
fn other_targets_go_by_name_and_text() {
    let all = policy(
        r#"permit (principal, action, resource == OpenC2::Target::"domain_name")
           when { resource has text && resource.text like "*.example.com" };"#,
    );
    let of = |name: &str| {
        let target = Target::DomainName(name.parse().unwrap());
        let slpf = slpf();
        let command = Command::new(Action::Investigate, target);
        all.judge(&Question::new(&known("soc-1"), None, &command, &slpf[..0])).is_ok()
    };
    assert!(of("www.example.com"));
    assert!(!of("www.example.net"));
}

#[test]
fn names_in_from_are_those_that_the_entities_list() {
    // DECISIONS M6
    let all = policy("permit (principal, action, resource);");
    let query = query();
    let of = |peer: &Peer, from: &str| {
        let judged = all.judge(&Question::new(peer, Some(from), &query, &[]));
        judged.map(drop).map_err(|objection| objection.rejection().status().as_u16())
    };
    assert_eq!(of(&known("soc-1"), "soc"), Ok(()));
    assert_eq!(of(&known("soc-1"), "elsewhere"), Err(401));
    assert_eq!(of(&known("soc-2"), "soc"), Err(401));
    assert_eq!(of(&known("soc-2"), "elsewhere"), Ok(()));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, expected) in [
        ("permit (principal, action, resource)", "line 1, column"),
        ("permit (\n  principal, action == OpenC2::Action::\"block\", resource);", "block"),
        ("permit (principal, action, resource is OpenC2::Net)\nwhen { resource.mask > 3 };", "line 2, column"),
        ("permit (principal, action, resource) when { context.slpf.persistent == [true] };", "slpf"),
        ("permit (principal in OpenC2::Team::\"a\", action, resource);", "OpenC2::Team"),
        ("permit (principal == ?principal, action, resource);", "a template, which nothing here links"),
        (
            "@id(\"a\") permit (principal, action, resource); @id(\"a\") forbid (principal, action, resource);",
            "there are two policies \"a\"",
        ),
    ] {
        let refused = refusal(text);
        assert!(refused.contains(expected), "{refused}");
    }
    for (entities, expected) in [
        (
            r#"[{"uid": {"type": "OpenC2::Net", "id": "x"}, "attrs": {"net": {"__extn": {"fn": "ip", "arg": "10.0.0.0/8"}},
             "prefix": 8}, "parents": []}]"#,
            "entities are peers and their groups",
        ),
        (r#"[{"uid": {"type": "OpenC2::Stranger", "id": "me"}, "attrs": {}, "parents": []}]"#, "entities are peers"),
        (r#"[{"uid": {"type": "OpenC2::Peer", "id": "x"}, "attrs": {"form": ["a"]}, "parents": []}]"#, "form"),
        ("[", "EOF"),
    ] {
        let error = CedarPolicy::parse("", Some(entities), &slpf()).expect_err("it cannot be used").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_policy_that_fails_lets_nothing_pass() {
    // Left out, it would no longer forbid.
    let overflowing = policy(
        r#"permit (principal, action, resource);
           forbid (principal, action, resource is OpenC2::Net)
           when { resource.prefix + 9223372036854775807 > 0 };"#,
    );
    let deny = Slpf::deny(net("198.51.100.0/24")).build().unwrap();
    let refused = judge(&overflowing, &known("soc-1"), &deny).unwrap_err();
    assert!(refused.starts_with("403: a policy cannot be evaluated: "), "{refused}");
}

#[test]
fn the_schema_is_one_that_policies_can_be_checked_against() {
    let text = CedarPolicy::schema(&slpf());
    assert!(Schema::from_cedarschema_str(&text).is_ok());
    for row in Terms::of::<Slpf>().facts() {
        assert!(text.contains(&format!("\"{}\"?: Set<", row.name)), "{text}");
    }
}

/// In the year 10000.
const LATE: u64 = 253_402_300_800_000;
