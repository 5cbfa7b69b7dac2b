use oc2_packet_filter::testing::{Scenario, Told, n_cases};
use oc2_packet_filter::{
    Interface, KernelRule, Matching, Mode, Network, Outside, Packet, Ports, Protocol, Reference, Verdict,
};
use oc2_profile_slpf::RuleNumber;

use super::model::Model;
use super::*;

// S1, S6, S8, S17
#[test]
fn chains_and_sets_say_what_the_list_says_for_a_host() {
    check(&Mode::Host, SMALL);
}

// S1, S6, S8, S17
#[test]
fn chains_and_sets_say_what_the_list_says_for_a_gateway() {
    let interface = |name: &str| -> Interface { name.parse().unwrap() };
    check(&Mode::Gateway(Outside::new(vec![interface("eth0"), interface("ppp0")]).unwrap()), SMALL);
}

// S1
#[test]
fn chains_alone_say_what_the_list_says() {
    check(&Mode::Host, Limits { sets: 0, ..SMALL });
}

/// Each case is a packet before a list; a list lives for some steps. In the middle of a step no packet passes that passes
/// neither before nor after it.
fn check(mode: &Mode, limits: Limits) {
    let usual = 10_000;
    let (mut n_left, mut n_decided, mut seen) = (n_cases(usual), 0, Seen::default());
    for seed in 0.. {
        let mut scenario = Scenario::new(seed, mode.clone());
        let mut world = World::new(&Ruleset::new(), limits);
        for _ in 0..200 {
            let before = scenario.reference();
            let told = scenario.step();
            let reference = scenario.reference();
            let packets: Vec<_> = (0..4).map(|_| scenario.packet()).collect();
            match told {
                Told::Apply(changes) => world.apply(&changes, &packets, [&before, &reference], seed),
                Told::Load(rules) => world = World::new(&rules, limits),
            }
            world.note(&mut seen, limits);
            for packet in packets {
                let expected = reference.verdict(&packet);
                assert_eq!(world.verdict(&packet), expected, "{seed}: {packet:?} before {reference:#?}");
                n_decided += u64::from(expected.is_some());
                n_left -= 1;
                if n_left == 0 {
                    assert!(n_decided > n_cases(usual) / 4, "{n_decided} packets met a rule");
                    assert!(seen.has_shards && seen.has_shared_sets == (limits.sets > 0), "{seen:?}");
                    return;
                }
            }
        }
        world.is_as_listed();
    }
}

#[derive(Debug, Default)]
struct Seen {
    has_shards: bool,
    has_shared_sets: bool,
}

/// Both families, as we think they are and as they are.
struct World {
    images: [Image; 2],
    models: [Model; 2],
    names: ChainNames,
}

impl World {
    fn new(rules: &Ruleset, limits: Limits) -> Self {
        let names = ChainNames::default();
        let images = Family::ALL.map(|family| Image::of(rules, family, limits, 0));
        let models = [0, 1].map(|i: usize| {
            let mut model = Model::new(&names);
            images[i].sets(&names).iter().for_each(|set| model.create(set));
            let present = FamilyListing::empty(Family::ALL[i], &names, true);
            model.commit(&crate::backend::restore::script::turn(&present, &images[i].listing(&names, true), &names));
            model
        });
        Self { images, models, names }
    }

    fn apply(&mut self, changes: &[Change], packets: &[Packet], [before, after]: [&Reference; 2], seed: u64) {
        let is_let_through = |verdict: Option<Verdict>| matches!(verdict, None | Some(Verdict::Accept));
        for ((image, model), family) in self.images.iter_mut().zip(&mut self.models).zip(Family::ALL) {
            let delta = image.apply(changes, &self.names);
            model.perform(&delta, |model| {
                for packet in packets.iter().filter(|packet| Family::from(packet.source) == family) {
                    let passes = [before, after].map(|list| is_let_through(list.verdict(packet)));
                    let passes_now = is_let_through(model.verdict(packet, &self.names));
                    assert!(
                        !passes_now || passes[0] || passes[1],
                        "{seed}: {packet:?} passes in the middle of {delta:#?}"
                    );
                }
            });
        }
    }

    fn verdict(&self, packet: &Packet) -> Option<Verdict> {
        self.models[Family::from(packet.source) as usize].verdict(packet, &self.names)
    }

    fn note(&self, seen: &mut Seen, limits: Limits) {
        for model in &self.models {
            let n_shards = model.chains().filter(|(name, _)| name.starts_with("OC2-4O")).count();
            seen.has_shards |= n_shards > 2;
            seen.has_shared_sets |= model.sets().values().any(|nets| nets.len() > 1);
            let is_block = |name: &str| Family::ALL.iter().any(|family| self.names.id(*family, name).is_some());
            assert!(model.chains().all(|(name, rules)| !is_block(name) || (1..=limits.lines).contains(&rules.len())));
        }
    }

    /// The kernel holds what we would list.
    fn is_as_listed(&self) {
        for (image, model) in self.images.iter().zip(&self.models) {
            let listing = image.listing(&self.names, true);
            let listed = listing.chains().filter(|(name, _)| *name != self.names.reject());
            let listed: Vec<(&str, Vec<&str>)> =
                listed.map(|(name, rules)| (name, rules.iter().map(String::as_str).collect())).collect();
            assert_eq!(model.chains().collect::<Vec<_>>(), listed);
            assert!(model.sets().iter().map(|(name, nets)| (name.as_str(), nets)).eq(listing.sets()));
        }
    }
}

#[test]
fn rules_about_a_net_alone_are_members_of_one_set() {
    let (mut image, names) = (Image::of(&Ruleset::new(), Family::V4, Limits::WITH_SETS, 0), ChainNames::default());
    let first = image.apply(&[Change::Insert(deny(100, "192.0.2.0/24"))], &names);
    assert_eq!(first.new_sets[0].name, "OC2-4I1");
    let lines = ["dst", "src"].map(|end| format!("-I OC2-INPUT 1 -m set --match-set OC2-4I1 {end} -j DROP"));
    assert_eq!(first.script().lines().collect::<Vec<_>>(), lines);
    let second = image.apply(&[Change::Insert(deny(90, "198.51.100.7"))], &names);
    assert_eq!((second.script().as_str(), second.narrowing.len(), second.widening.len()), ("", 1, 0));
    let third = image.apply(&[Change::Delete(deny(100, "192.0.2.0/24"))], &names);
    assert_eq!((third.script().as_str(), third.narrowing.len(), third.widening.len()), ("", 0, 1));
    let last = image.apply(&[Change::Delete(deny(90, "198.51.100.7"))], &names);
    assert_eq!((last.script().as_str(), last.widening.len()), ("", 1), "an empty set waits for the next rule");
    let again = image.apply(&[Change::Insert(deny(80, "203.0.113.1"))], &names);
    assert_eq!((again.script().as_str(), again.narrowing.len()), ("", 1));
}

#[test]
fn of_empty_sets_one_stays() {
    let allow = |number, net: &str| {
        let source = Some(net.parse().unwrap());
        rule(number, vec![Matching { source, ..Matching::default() }], Verdict::Accept)
    };
    let rules = [deny(10, "192.0.2.1"), allow(20, "192.0.2.2"), deny(30, "192.0.2.3")];
    let (mut image, names) =
        (Image::of(&rules.iter().cloned().collect(), Family::V4, Limits::WITH_SETS, 0), ChainNames::default());
    let n_gone = rules.map(|rule| image.apply(&[Change::Delete(rule)], &names).old_sets.len());
    assert_eq!(n_gone, [0, 1, 1]);
}

#[test]
fn a_net_of_two_rules_goes_with_the_last_of_them() {
    let (mut image, names) = (Image::of(&Ruleset::new(), Family::V4, Limits::WITH_SETS, 0), ChainNames::default());
    image.apply(
        &[1, 2, 3]
            .map(|number| Change::Insert(deny(number, ["192.0.2.1", "192.0.2.1", "192.0.2.3"][number as usize - 1]))),
        &names,
    );
    assert!(image.apply(&[Change::Delete(deny(1, "192.0.2.1"))], &names).is_empty());
    assert_eq!(image.apply(&[Change::Delete(deny(2, "192.0.2.1"))], &names).widening.len(), 1);
}

#[test]
fn a_rule_joins_a_set_beyond_rules_that_do_not_contradict_it() {
    let names = ChainNames::default();
    for (between, is_joined) in [(port(50, 22, Verdict::Drop), true), (port(50, 22, Verdict::Accept), false)] {
        let rules = [deny(100, "192.0.2.1"), between].into_iter().collect();
        let mut image = Image::of(&rules, Family::V4, Limits::WITH_SETS, 0);
        let delta = image.apply(&[Change::Insert(deny(10, "192.0.2.9"))], &names);
        assert_eq!(delta.script().is_empty(), is_joined, "{}", delta.script());
    }
}

#[test]
fn chains_stay_small_and_a_rule_among_many_is_one_line() {
    let rules: Ruleset = (0..2_000).map(|i| port(i * 10, i as u16, Verdict::Drop)).collect();
    let (mut image, names) = (Image::of(&rules, Family::V4, Limits::WITH_SETS, 0), ChainNames::default());
    assert_eq!(image.layouts[0].blocks.len(), 20);
    let removed = image.apply(&[Change::Delete(port(5_000, 500, Verdict::Drop))], &names);
    assert_eq!(removed.script().lines().count(), 1, "{}", removed.script());
    let added = image.apply(&[Change::Insert(port(5_001, 9_999, Verdict::Drop))], &names);
    assert_eq!(added.script().lines().count(), 1, "{}", added.script());
    for i in 1..300 {
        let inserts = [-i, 7_000 + 10 * (i % 7) + i % 9 + 1, 30_000 + i];
        let fresh =
            inserts.into_iter().filter(|number| image.layouts[0].blocks.iter().all(|block| !has(block, *number)));
        let changes: Vec<_> = fresh.map(|number| Change::Insert(port(number, 1, Verdict::Drop))).collect();
        image.apply(&changes, &names);
        assert!(
            image.layouts[0]
                .blocks
                .iter()
                .all(|block| matches!(block, Block::Shard(shard) if shard.lines.len() <= 100))
        );
    }
}

fn has(block: &Block, number: i64) -> bool {
    matches!(block, Block::Shard(shard) if shard.lines.iter().any(|line| line.number().as_i64() == number))
}

#[test]
fn what_the_kernel_holds_already_stays() {
    let rules: Ruleset =
        (0..300).map(|i| port(i * 10, i as u16, Verdict::Drop)).chain([deny(5_000, "192.0.2.1")]).collect();
    let names = ChainNames::default();
    let present = Image::of(&rules, Family::V4, Limits::WITH_SETS, 70).listing(&names, false);
    let mut image = Image::of(&rules, Family::V4, Limits::WITH_SETS, 90);
    assert_ne!(image.listing(&names, false), present);
    image.adopt(&present, &names);
    assert_eq!(image.listing(&names, false), present);
}

fn deny(number: i64, net: &str) -> InForce {
    let net: Option<Network> = Some(net.parse().unwrap());
    let ends = [Matching { source: net, ..Matching::default() }, Matching { destination: net, ..Matching::default() }];
    rule(number, ends.into(), Verdict::Drop)
}

fn port(number: i64, port: u16, verdict: Verdict) -> InForce {
    let protocol = Some(Protocol::Tcp(Ports { src_port: None, dst_port: Some(port) }));
    rule(number, vec![Matching { protocol, ..Matching::default() }], verdict)
}

fn rule(number: i64, matchings: Vec<Matching>, verdict: Verdict) -> InForce {
    let rule = |matching| KernelRule::new(Family::V4, Hook::Input, matching, verdict).unwrap();
    InForce::new(RuleNumber::new(number).unwrap(), matchings.into_iter().map(rule).collect::<Vec<_>>())
}

/// So small that random lists go beyond them.
const SMALL: Limits = Limits { lines: 6, sets: 4, members_compared: 3, shards_compared: 2 };
