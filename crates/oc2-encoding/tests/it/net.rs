//! Targets of the network: nets, connections, ports, hardware addresses (LS 3.4.1.9 to 3.4.1.14, 3.4.2.14).

use crate::support::{accepted, becomes, refused, targets, tolerated};

// LS-051, LS-060, LS-108, LS-166, LS-168, LS-169, L18, L19
#[test]
fn an_ipv4_net_is_an_address_and_perhaps_a_prefix() {
    for net in ["0.0.0.0", "255.255.255.255", "10.0.0.1/32", "0.0.0.0/0", "192.168.17.5/24", "10.0.0.0/8", "1.2.3.4/1"]
    {
        targets(&[(&format!(r#"{{"ipv4_net":"{net}"}}"#), accepted())]);
    }
    for net in [
        "",
        "192.0.2",
        "192.0.2.256",
        "0x7f.1",
        "010.0.0.1",
        "1.2.3.04",
        "1.2.3.4.5",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/",
        "1.2.3.4/08",
        "1.2.3.4/+8",
        "1.2.3.4/8/8",
        "1.2.3.4/256",
        "1.2.3.4/255.0.0.0",
        "1.2.3.4/ 8",
        "/8",
        "::1",
        "::ffff:1.2.3.4",
        "a.example",
        "1.2.3.4-1.2.3.9",
        "1.2.3.٤",
    ] {
        let words = format!("target.ipv4_net: {net:?} is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)");
        targets(&[(&format!(r#"{{"ipv4_net":"{net}"}}"#), refused(words))]);
    }
}

// LS-052, LS-061, LS-109, LS-172, LS-173, L18
#[test]
fn an_ipv6_net_is_written_as_rfc_5952_has_it() {
    for (net, written) in [
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("0:0:0:0:0:0:0:0", "::"),
        ("::/0", "::/0"),
        ("::1/128", "::1/128"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:db8::5/32", "2001:db8::5/32"),
        ("::FFFF:192.0.2.1", "::ffff:192.0.2.1"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("3ffe:1900:4545:3:200:f8ff:fe21:67cf", "3ffe:1900:4545:3:200:f8ff:fe21:67cf"),
    ] {
        let written = format!(r#"{{"ipv6_net":"{written}"}}"#);
        targets(&[(&format!(r#"{{"ipv6_net":"{net}"}}"#), becomes(&written))]);
    }
    for net in [
        "",
        ":",
        ":::",
        "1::2::3",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "12345::",
        "g::",
        "fe80::1%eth0",
        "fe80::1%1/64",
        "[::1]",
        "::1/129",
        "::1/",
        "::1/064",
        "::1/-1",
        "::1/+1",
        "::1/8/8",
        " ::1",
        "1.2.3.4",
        "1.2.3.4/8",
        "::1.2.3",
        "::256.2.3.4",
    ] {
        let words = format!("target.ipv6_net: {net:?} is not an IPv6 net (an address, or address/0..128)");
        targets(&[(&format!(r#"{{"ipv6_net":"{net}"}}"#), refused(words))]);
    }
}

// LS-028, LS-055, LS-110, LS-111, LS-170, LS-171, LS-174, LS-175, LS-195, LS-200, L25, SLPF-083, SLPF-090
#[test]
fn a_connection_has_any_of_its_five_parts() {
    let parts = [
        (r#""src_addr":"1.2.3.4""#, r#""src_addr":"::1""#),
        (r#""src_port":0"#, r#""src_port":0"#),
        (r#""dst_addr":"10.0.0.0/8""#, r#""dst_addr":"2001:db8::/32""#),
        (r#""dst_port":65535"#, r#""dst_port":65535"#),
        (r#""protocol":"udp""#, r#""protocol":"udp""#),
    ];
    for set in 1..32 {
        let chosen = |v6: bool| {
            let chosen: Vec<_> =
                (0..5).filter(|i| set >> i & 1 == 1).map(|i| if v6 { parts[i].1 } else { parts[i].0 }).collect();
            chosen.join(",")
        };
        targets(&[
            (&format!(r#"{{"ipv4_connection":{{{}}}}}"#, chosen(false)), accepted()),
            (&format!(r#"{{"ipv6_connection":{{{}}}}}"#, chosen(true)), accepted()),
        ]);
    }
    let due = "at least one of src_addr, src_port, dst_addr, dst_port, protocol is due";
    let has = "has src_addr, src_port, dst_addr, dst_port, protocol";
    targets(&[
        (r#"{"ipv4_connection":{}}"#, refused(format!("target.ipv4_connection: {due}"))),
        (r#"{"ipv6_connection":{}}"#, refused(format!("target.ipv6_connection: {due}"))),
        (
            r#"{"ipv4_connection":{"src_addr":"::1"}}"#,
            refused("target.ipv4_connection.src_addr: \"::1\" is not an IPv4 net (a.b.c.d or a.b.c.d/0..32)"),
        ),
        (
            r#"{"ipv6_connection":{"dst_addr":"1.2.3.4"}}"#,
            refused("target.ipv6_connection.dst_addr: \"1.2.3.4\" is not an IPv6 net (an address, or address/0..128)"),
        ),
        (
            r#"{"ipv4_connection":{"src_addr":["1.2.3.4"]}}"#,
            refused("target.ipv4_connection.src_addr: invalid type: sequence, expected IPv4-Net"),
        ),
        (
            r#"{"ipv4_connection":{"layer4_protocol":"tcp"}}"#,
            refused(format!("target.ipv4_connection: unknown member \"layer4_protocol\"; IPv4-Connection {has}")),
        ),
        (
            r#"{"ipv6_connection":{"src_port":1,"src_port":1}}"#,
            refused("target.ipv6_connection: the member \"src_port\" stands twice"),
        ),
        (
            r#"{"ipv4_connection":["1.2.3.4",1,"1.2.3.4",1,"tcp"]}"#,
            refused("target.ipv4_connection: invalid type: sequence, expected an object (IPv4-Connection)"),
        ),
        (
            r#"{"ipv4_connection":{"src_port":1,"dst_port":null}}"#,
            tolerated("target.ipv4_connection.dst_port: null where the member is to be left out")
                .written(r#"{"ipv4_connection":{"src_port":1}}"#),
        ),
    ]);
    for protocol in ["icmp", "tcp", "udp", "sctp"] {
        targets(&[(&format!(r#"{{"ipv6_connection":{{"protocol":"{protocol}"}}}}"#), accepted())]);
    }
    for protocol in ["TCP", "ipv6_icmp", "gre", "6", ""] {
        let words = format!("target.ipv4_connection.protocol: {protocol:?} is not one of icmp, tcp, udp, sctp");
        targets(&[(&format!(r#"{{"ipv4_connection":{{"protocol":"{protocol}"}}}}"#), refused(words))]);
    }
    targets(&[(
        r#"{"ipv4_connection":{"protocol":6}}"#,
        refused("target.ipv4_connection.protocol: invalid type: integer `6`, expected one of icmp, tcp, udp, sctp"),
    )]);
}

// JADN-014, LS-055, LS-200, L22
#[test]
fn a_port_is_an_integer_from_0_to_65535() {
    let with = |port: &str| format!(r#"{{"ipv4_connection":{{"dst_port":{port}}}}}"#);
    let at = "target.ipv4_connection.dst_port";
    targets(&[
        (&with("0"), accepted()),
        (&with("80"), accepted()),
        (&with("65535"), accepted()),
        (&with("-1"), refused(format!("{at}: -1 is not a port (0..65535)"))),
        (&with("65536"), refused(format!("{at}: 65536 is not a port (0..65535)"))),
        (&with("18446744073709551615"), refused(format!("{at}: 18446744073709551615 is not a port (0..65535)"))),
        (&with("18446744073709551616"), refused(format!("{at}: 18446744073709552000 is not a port (0..65535)"))),
        (&with("80.5"), refused(format!("{at}: 80.5 is not a port (0..65535)"))),
        (&with(r#""80""#), refused(format!("{at}: invalid type: string \"80\", expected a port (0..65535)"))),
        (&with("true"), refused(format!("{at}: invalid type: boolean `true`, expected a port (0..65535)"))),
        (&with("[80]"), refused(format!("{at}: invalid type: sequence, expected a port (0..65535)"))),
        (&with("{}"), refused(format!("{at}: invalid type: map, expected a port (0..65535)"))),
        (&with("80.0"), tolerated(&format!("{at}: an Integer is spelled as a fraction")).written(&with("80"))),
        (&with("8e1"), tolerated(&format!("{at}: an Integer is spelled as a fraction")).written(&with("80"))),
    ]);
}

// LS-021, LS-053, LS-113, LS-177, L21
#[test]
fn a_mac_address_has_six_or_eight_octets_with_colons() {
    for (mac, written) in [
        ("00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E"),
        ("00:1a:2b:3c:4d:5e", "00:1A:2B:3C:4D:5E"),
        ("00:1A:2B:FF:FE:3C:4D:5E", "00:1A:2B:FF:FE:3C:4D:5E"),
    ] {
        let written = format!(r#"{{"mac_addr":"{written}"}}"#);
        targets(&[(&format!(r#"{{"mac_addr":"{mac}"}}"#), becomes(&written))]);
    }
    for mac in [
        "",
        "00",
        "00:1A:2B:3C:4D",
        "00:1A:2B:3C:4D:5E:6F",
        "00:1A:2B:3C:4D:5E:6F:70:81",
        "00-1A-2B-3C-4D-5E",
        "001A.2B3C.4D5E",
        "001A2B3C4D5E",
        "0:1A:2B:3C:4D:5E",
        "00:1A:2B:3C:4D:5G",
        ":00:1A:2B:3C:4D:5E",
        "00:1A:2B:3C:4D:5E:",
        " 00:1A:2B:3C:4D:5E",
        "00:1A:2B:3C:4D:+E",
    ] {
        let words = format!("target.mac_addr: {mac:?} is not a MAC address: 6 or 8 octets as 00:1A:2B:3C:4D:5E");
        targets(&[(&format!(r#"{{"mac_addr":"{mac}"}}"#), refused(words))]);
    }
}
