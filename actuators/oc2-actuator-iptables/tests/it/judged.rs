//! Packets through a real kernel: each passes where the judge says so, and nowhere else.

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_actuator_iptables::testing;
use oc2_actuator_iptables::testing::judged::{on_loopback, through_a_gateway};
use oc2_actuator_iptables::testing::n_cases;
use oc2_packet_filter::{Family, Flavor};

use crate::support::Host;

on_every_flavor! {
    // S1, S6, S8, S17
    fn packets_of_random_lists_pass_where_the_judge_says_so(host) {
        if may_be_judged(host) {
            on_loopback(n_cases(10), || Box::new(host.open()));
        }
    }

    // S1, S6, S8, S17
    fn packets_pass_where_the_judge_says_so_without_sets(host) {
        if may_be_judged(host) {
            let config = BackendConfig { sets: false, ..host.config() };
            on_loopback(n_cases(5), || Box::new(Restore::open(&config).unwrap()));
        }
    }

    // SLPF-027, S1, S6
    fn packets_through_a_gateway_pass_where_the_judge_says_so(host) {
        if may_be_judged(host) {
            let config = BackendConfig { gateway: true, ..host.config() };
            through_a_gateway(n_cases(8), || Box::new(Restore::open(&config).unwrap()));
        }
    }
}

/// The lists have rules about ports of SCTP, and nft tells what comes through.
fn may_be_judged(host: &Host) -> bool {
    let sctp = ["-A", "INPUT", "-p", "sctp", "--dport", "1", "-j", "DROP"];
    if !host.iptables_output(Family::V4, &sctp).status.success() {
        testing::note("this kernel has no xt_sctp");
        return false;
    }
    host.iptables(Family::V4, "-F INPUT");
    let has_nft = std::process::Command::new("nft").arg("--version").output().is_ok();
    if !has_nft {
        testing::skip("nft is not installed");
    }
    has_nft
}
