//! Every target with its seeds and a fixed number of mutations of them.

use std::panic::catch_unwind;

use oc2_tests_fuzz::{Mutations, TARGETS, Target};

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_is_tested() {
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! { json json_compact json_concise cbor tree slpf texts media_types signatures http store_log }

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "no seeds");
    for seed in &seeds {
        read(target, seed);
    }
    let mut mutations = Mutations::new(1);
    for _ in 0..target.n_mutations {
        read(target, &mutations.next_of(&seeds));
    }
}

/// A panic says what is wrong; this says with which input.
fn read(target: &Target, bytes: &[u8]) {
    let reader = target.read;
    let is_fine = catch_unwind(|| reader(bytes)).is_ok();
    assert!(is_fine, "{} panics, see above, on b\"{}\"", target.name, bytes.escape_ascii());
}
