//! Packets through a real kernel: each passes where the judge says so, and nowhere else.

use oc2_actuator_nftables::Nftables;
use oc2_packet_filter::testing::judged::{on_loopback, through_a_gateway};
use oc2_packet_filter::testing::n_cases;
use oc2_packet_filter::{Config, Mode, Outside};

in_namespace! {
    // S1, S6, S8, S17
    fn packets_of_random_lists_pass_where_the_judge_says_so() {
        on_loopback(n_cases(10), || Box::new(Nftables::open(&Config::default()).unwrap()));
    }

    // SLPF-027, S1, S6
    fn packets_through_a_gateway_pass_where_the_judge_says_so() {
        let outside = Outside::new(["eth0", "ppp0"].map(|name| name.parse().unwrap()).to_vec()).unwrap();
        let config = Config { mode: Mode::Gateway(outside), ..Config::default() };
        through_a_gateway(n_cases(8), || Box::new(Nftables::open(&config).unwrap()));
    }
}
