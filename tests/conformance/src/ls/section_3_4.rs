//! LS 3.4: targets and data types. The corpus has most of their cases.

use std::io;

use super::table::{self, Is::Malformed, Is::Understood};
use crate::check::Check;
use crate::session::Session;

pub(super) fn checks() -> Vec<Check> {
    vec![
        Check::new(
            "LS-023 LS-024 LS-049 LS-051 LS-052 LS-099..LS-116 LS-152 LS-154..LS-156 LS-162 LS-164..LS-166 LS-168..LS-183 \
             LS-189..LS-192 LS-195 LS-198 LS-200",
            "Targets are read as LS 3.4 defines them",
            targets,
        ),
        Check::new("LS-186 LS-187 LS-197 LS-202", "Times, names and ids have their bounds", bounds),
    ]
}

fn targets(session: &mut Session<'_>) -> io::Result<()> {
    table::targets(
        session,
        &[
            ("LS-099 LS-152", "artifact", r#"{"mime_type": "text/plain"}"#, Understood),
            ("LS-152", "artifact", "{}", Malformed),
            ("LS-198 LS-049", "artifact", r#"{"payload": {"bin": "-_8"}}"#, Understood),
            ("LS-049", "artifact", r#"{"payload": {"bin": "+/8="}}"#, Malformed),
            ("LS-198", "artifact", r#"{"payload": {"bin": "YQ", "url": "http://a.example/"}}"#, Malformed),
            ("LS-100", "command", r#""abc""#, Understood),
            ("LS-100", "command", r#""a b""#, Malformed),
            ("LS-101 LS-154 LS-191", "device", r#"{"hostname": "3com.example"}"#, Understood),
            ("LS-101 LS-154", "device", "{}", Malformed),
            ("LS-154 LS-192", "device", r#"{"idn_hostname": "b\u00fccher.example"}"#, Understood),
            ("LS-154 LS-192", "device", r#"{"idn_hostname": "b\u00fccher .example"}"#, Malformed),
            ("LS-102 LS-155", "domain_name", r#""example.com""#, Understood),
            ("LS-102 LS-155", "domain_name", r#""a b.example""#, Malformed),
            ("LS-103 LS-156", "email_addr", r#""a@example.com""#, Understood),
            ("LS-103 LS-156", "email_addr", r#""example.com""#, Malformed),
            ("LS-104", "features", "[]", Understood),
            ("LS-104", "features", "{}", Malformed),
            ("LS-105 LS-162", "file", r#"{"name": "a"}"#, Understood),
            ("LS-105 LS-162", "file", "{}", Malformed),
            ("LS-106 LS-024 LS-164", "idn_domain_name", r#""b\u00fccher.example""#, Understood),
            ("LS-106 LS-024 LS-164", "idn_domain_name", r#""b\u00fccher .example""#, Malformed),
            ("LS-107 LS-023 LS-165", "idn_email_addr", r#""\u00e4@b\u00fccher.example""#, Understood),
            ("LS-107 LS-023 LS-165", "idn_email_addr", r#""\u00e4""#, Malformed),
            ("LS-108 LS-166 LS-168", "ipv4_net", r#""192.0.2.0/24""#, Understood),
            ("LS-108 LS-168 LS-051", "ipv4_net", r#""192.0.2.1""#, Understood),
            ("LS-108 LS-169", "ipv4_net", r#""192.0.2.0/33""#, Malformed),
            ("LS-051", "ipv4_net", r#""192.0.2""#, Malformed),
            ("LS-051", "ipv4_net", r#""192.0.2.256""#, Malformed),
            ("LS-109 LS-172", "ipv6_net", r#""2001:db8::/32""#, Understood),
            ("LS-109 LS-172 LS-052", "ipv6_net", r#""2001:db8::1""#, Understood),
            ("LS-109 LS-173", "ipv6_net", r#""2001:db8::/129""#, Malformed),
            ("LS-052", "ipv6_net", r#""2001:db8::1::2""#, Malformed),
            (
                "LS-110 LS-170 LS-171 LS-195",
                "ipv4_connection",
                r#"{"protocol": "tcp", "src_addr": "192.0.2.1", "src_port": 0, "dst_addr": "198.51.100.0/24", "dst_port": 65535}"#,
                Understood,
            ),
            ("LS-170", "ipv4_connection", "{}", Malformed),
            ("LS-171", "ipv4_connection", r#"{"src_addr": "2001:db8::1"}"#, Malformed),
            ("LS-195", "ipv4_connection", r#"{"protocol": "gre"}"#, Malformed),
            ("LS-200", "ipv4_connection", r#"{"dst_port": 65536}"#, Malformed),
            ("LS-200", "ipv4_connection", r#"{"dst_port": -1}"#, Malformed),
            (
                "LS-111 LS-174 LS-175",
                "ipv6_connection",
                r#"{"protocol": "udp", "src_addr": "2001:db8::1", "dst_port": 53}"#,
                Understood,
            ),
            ("LS-174", "ipv6_connection", "{}", Malformed),
            ("LS-175", "ipv6_connection", r#"{"src_addr": "192.0.2.1"}"#, Malformed),
            ("LS-112 LS-176", "iri", r#""http://ex\u00e4mple.example/""#, Understood),
            ("LS-176", "iri", r#""no reference""#, Malformed),
            ("LS-113 LS-177", "mac_addr", r#""00:1A:2B:3C:4D:5E""#, Understood),
            ("LS-177", "mac_addr", r#""00:1A""#, Malformed),
            ("LS-114 LS-178", "process", r#"{"name": "a"}"#, Understood),
            ("LS-178", "process", "{}", Malformed),
            ("LS-179", "process", r#"{"pid": 0}"#, Understood),
            ("LS-179", "process", r#"{"pid": -1}"#, Malformed),
            ("LS-180", "process", r#"{"executable": {"path": "/bin/a"}}"#, Understood),
            ("LS-180", "process", r#"{"executable": {}}"#, Malformed),
            ("LS-181", "process", r#"{"parent": {"parent": {"pid": 1}}}"#, Understood),
            ("LS-181", "process", r#"{"parent": {}}"#, Malformed),
            ("LS-115 LS-182", "properties", r#"["battery", "display"]"#, Understood),
            ("LS-182", "properties", r#"["battery", "battery"]"#, Malformed),
            ("LS-116 LS-183", "uri", r#""http://a.example/b?c#d""#, Understood),
            ("LS-183", "uri", r#""http://ex\u00e4mple.example/""#, Malformed),
            ("LS-189 LS-190", "file", r#"{"hashes": {"md5": "0123456789ABCDEF0123456789ABCDEF"}}"#, Understood),
            ("LS-190", "file", r#"{"hashes": {"md5": "0123"}}"#, Malformed),
            ("LS-189", "file", r#"{"hashes": {}}"#, Malformed),
            ("LS-189", "file", r#"{"hashes": {"sha512": "00"}}"#, Malformed),
        ],
    )
}

fn bounds(session: &mut Session<'_>) -> io::Result<()> {
    let whole = |rest: &str| format!(r#"{{"action": "ACTION", "target": {{"iri": "http://a.example/"}}, {rest}}}"#);
    let table = [
        ("LS-186", whole(r#""args": {"start_time": 1534775460000}"#), Understood),
        ("LS-186", whole(r#""args": {"start_time": "1534775460000"}"#), Malformed),
        ("LS-187", whole(r#""args": {"duration": 0}"#), Understood),
        ("LS-187", whole(r#""args": {"duration": -1}"#), Malformed),
        ("LS-197", whole(r#""actuator": {"x-45678901234567": {}}"#), Understood),
        ("LS-197", whole(r#""actuator": {"x-456789012345678": {}}"#), Malformed),
        ("LS-197", whole(r#""actuator": {"": {}}"#), Malformed),
        ("LS-202", whole(r#""command_id": "012345678901234567890123456789012345""#), Understood),
        ("LS-202", whole(r#""command_id": "0123456789012345678901234567890123456""#), Malformed),
        ("LS-202", whole(r#""command_id": "a\tb""#), Malformed),
    ];
    let table: Vec<_> = table.iter().map(|(rows, command, is)| (*rows, command.as_str(), *is)).collect();
    table::commands(session, &table)
}
