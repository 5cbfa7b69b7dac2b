use oc2_core::target::TargetKind;
use oc2_core::{Action, Pair, Response, StatusCode, TargetName};

use super::*;

fn told<'a>(peer: &'a Peer, pair: Option<Pair>, is_supported: bool, response: Option<&'a Response>) -> Ended<'a> {
    Ended {
        end: End::Refused,
        peer,
        key_id: None,
        from: Some("hostile"),
        request_id: None,
        command_id: None,
        pair,
        is_supported,
        target: None,
        response,
        elapsed: Duration::from_millis(3),
    }
}

fn n_series(text: &str) -> usize {
    text.lines().filter(|line| !line.starts_with('#')).count()
}

#[tokio::test]
async fn commands_are_counted_by_action_target_status_and_peer() {
    let metrics = Metrics::new();
    let pair = Pair { action: Action::Deny, target: TargetName::Standard(TargetKind::Ipv4Net) };
    let (ok, peer) = (Response::new(StatusCode::Ok), Peer::Authenticated("soc-1\"\n".into()));
    for _ in 0..3 {
        metrics.ended(&told(&peer, Some(pair), true, Some(&ok)));
    }
    metrics.ended(&told(&Peer::Unauthenticated("192.0.2.7".into()), None, false, None));
    let text = metrics.text().await;
    for line in [
        r#"oc2_commands_total{action="deny",target="ipv4_net",status="200"} 3"#,
        r#"oc2_commands_total{action="none",target="none",status="refused"} 1"#,
        r#"oc2_commands_by_peer_total{peer="soc-1\"\n",status="200"} 3"#,
        r#"oc2_commands_by_peer_total{peer="unauthenticated",status="refused"} 1"#,
        r#"oc2_command_seconds_bucket{le="0.005",action="deny"} 3"#,
        r#"oc2_command_seconds_bucket{le="0.0025",action="deny"} 0"#,
        r#"oc2_command_seconds_count{action="deny"} 3"#,
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("hostile"), "{text}");
}

#[tokio::test]
async fn no_peer_makes_series_without_end() {
    let metrics = Metrics::new();
    let refused = Response::new(StatusCode::NotImplemented);
    for i in 0..10_000 {
        let target = TargetName::Extended(format!("x-{i}").parse().expect("a name"), "thing".parse().expect("a name"));
        let pair = Pair { action: Action::ALL[i % Action::ALL.len()], target };
        let peer = match i % 2 {
            0 => Peer::Authenticated(format!("peer-{i}").into()),
            _ => Peer::Unauthenticated(format!("192.0.2.{i}").into()),
        };
        metrics.ended(&told(&peer, Some(pair), false, Some(&refused)));
    }
    let n_commands = Action::ALL.len();
    let n_peers = MAX_PEERS + 2;
    let n_seconds = Action::ALL.len() * (BUCKETS.len() + 3);
    let text = metrics.text().await;
    assert_eq!(n_series(&text), n_commands + n_peers + n_seconds);
    assert!(text.contains(r#"peer="other""#) && text.contains(r#"target="other""#), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_figure_that_is_stuck_or_gone_is_missing_and_the_others_are_there() {
    let metrics = Metrics::new();
    metrics.gauge("stuck", "never comes", [], || async { std::future::pending::<Option<i64>>().await });
    metrics.gauge("gone", "is not known", [], || async { None });
    for chain in ["A", "B"] {
        metrics.gauge("rules", "how many", [("chain", chain.to_owned())], || async { Some(7) });
    }
    metrics.gauge("plain", "as it is", [], || async { Some(-1) });
    let text = metrics.text().await;
    let series: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(series, ["oc2_plain -1", r#"oc2_rules{chain="A"} 7"#, r#"oc2_rules{chain="B"} 7"#]);
    assert_eq!(text.matches("# TYPE oc2_rules gauge").count(), 1);
}
