use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use oc2_actuator_iptables::backend::{BackendConfig, Restore};
use oc2_packet_filter::backend::{Backend, BackendError};
use oc2_packet_filter::{Change, Family, Flavor, Hook, Ruleset};

use crate::support::{
    Host, Random, children_of, delete_port, end_tools, first_shard, insert, insert_port, ports, restore_children,
    signal, tcp, wait_for_the_end_of,
};

on_every_flavor! {
    fn a_tool_killed_between_transactions_is_replaced(host) {
        let mut backend = host.loaded(&Ruleset::new());
        let mut expected = Vec::new();
        for port in 0..20 {
            end_tools();
            backend.apply(&[insert_port(-i64::from(port), port)]).unwrap();
            expected.insert(0, port);
        }
        assert!(backend.holds(&ports(&expected)).unwrap());
    }

    /// Whatever is said must be true: done, not done, or not known.
    fn a_tool_killed_at_its_work_never_makes_us_say_what_is_not(host) {
        let mut backend = host.loaded(&Ruleset::new());
        let killer = Killer::start();
        let mut expected = Ruleset::new();
        let (mut n_unknown, mut random, mut next) = (0, Random(3), 0);
        for _ in 0..N_CUTS {
            let changes = some_inserts(&mut random, &mut next);
            match backend.apply(&changes) {
                Ok(()) => expected.apply(&changes).unwrap(),
                Err(error) => {
                    if error.left_unchanged() {
                        assert!(matches!(error, BackendError::Unusable { .. }), "{error}");
                        continue;
                    }
                    // Half applied: IPv4 took it, and the tools for IPv6 and for taking it back were killed one after the other.
                    let is_cut_off = matches!(error, BackendError::Died { .. } | BackendError::HalfApplied { .. });
                    assert!(is_cut_off, "{error}");
                    assert!(matches!(backend.apply(&changes), Err(BackendError::Unsynced)));
                    n_unknown += 1;
                    killer.rest(|| backend.load(&expected)).unwrap();
                }
            }
        }
        killer.stop();
        assert!(backend.holds(&expected).unwrap());
        println!("{n_unknown} of {N_CUTS} transactions were cut off");
    }

    fn a_tool_that_hangs_is_killed_and_a_load_puts_right(host) {
        let mut backend =
            Restore::open(&BackendConfig { timeout: Duration::from_millis(300), ..host.config() }).unwrap();
        backend.load(&ports(&[1])).unwrap();
        let hanging = restore_children();
        hanging.iter().for_each(|&pid| signal(pid, "-STOP"));
        let started = Instant::now();
        let error = backend.apply(&[insert_port(5, 2)]).unwrap_err();
        assert!(matches!(error, BackendError::Timeout { .. }), "{error}");
        assert!(!error.left_unchanged());
        assert!(started.elapsed() < Duration::from_secs(2));
        assert!(matches!(backend.apply(&[insert_port(5, 2)]), Err(BackendError::Unsynced)));
        hanging.iter().for_each(|&pid| signal(pid, "-CONT"));
        backend.load(&ports(&[2, 1])).unwrap();
        assert!(backend.holds(&ports(&[2, 1])).unwrap());
    }

    fn no_process_stays_behind(host) {
        let mut backend = host.loaded(&ports(&[1]));
        assert_eq!(restore_children().len(), 2);
        for _ in 0..5 {
            backend.load(&ports(&[1, 2])).unwrap();
            host.iptables(Family::V4, &format!("-F {}", first_shard(host)));
            backend.apply(&[delete_port(10, 1)]).unwrap_err();
        }
        assert_eq!(children_of(std::process::id()).len(), 1, "IPv4 waits for its next transaction to start a tool");
        drop(backend);
        assert_eq!(children_of(std::process::id()), [] as [u32; 0]);
    }

    /// As after a kill -9 of the consumer.
    fn tools_end_when_we_are_killed(host) {
        if env::var_os(ORPHAN).is_some() {
            let _backend = host.loaded(&ports(&[1]));
            println!("tools: {:?}", restore_children());
            std::process::abort();
        }
        let flavor = if host.flavor == Flavor::Nft { "nft" } else { "legacy" };
        let output = std::process::Command::new(env::current_exe().unwrap())
            .args(["--exact", &format!("recovery::tools_end_when_we_are_killed::{flavor}"), "--nocapture"])
            .env(ORPHAN, "1")
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let pids = printed.split_once("tools: [").unwrap().1.split_once(']').unwrap().0;
        let pids: Vec<&str> = pids.split(", ").collect();
        assert_eq!(pids.len(), 2, "{printed}");
        pids.into_iter().for_each(|pid| wait_for_the_end_of(pid.parse().unwrap()));
        assert!(host.open().holds(&ports(&[1])).unwrap());
    }
}

/// The lock of the tables, held by somebody else for longer than is waited for.
#[test]
fn a_lock_held_by_another_program_is_told() {
    crate::support::run("it::recovery::a_lock_held_by_another_program_is_told", Flavor::Legacy, |host| {
        let mut backend = host.loaded(&ports(&[1]));
        let lock = fs::File::open(env::var_os("XTABLES_LOCKFILE").unwrap()).unwrap();
        lock.lock().unwrap();
        let error = backend.apply(&[insert_port(5, 2)]).unwrap_err();
        assert!(matches!(error, BackendError::Busy { family: Some(Family::V4) }), "{error}");
        assert!(error.left_unchanged());
        lock.unlock().unwrap();
        backend.apply(&[insert_port(4, 3)]).unwrap();
        assert!(backend.holds(&ports(&[3, 1])).unwrap());
    });
}

fn some_inserts(random: &mut Random, next: &mut i64) -> Vec<Change> {
    (0..1 + random.below(3))
        .map(|_| {
            *next -= 1;
            insert(*next, tcp(Family::ALL[random.below(2)], Hook::Input, random.below(60_000) as u16))
        })
        .collect()
}

fn kill_all() {
    restore_children().into_iter().for_each(|pid| signal(pid, "-KILL"));
}

/// Kills the tools again and again.
struct Killer {
    is_over: Arc<AtomicBool>,
    knife: Arc<Mutex<()>>,
    thread: thread::JoinHandle<()>,
}

impl Killer {
    fn start() -> Self {
        let (is_over, knife) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(())));
        let thread = thread::spawn({
            let (is_over, knife) = (is_over.clone(), knife.clone());
            move || {
                let mut random = Random(5);
                while !is_over.load(Ordering::Relaxed) {
                    thread::sleep(Duration::from_micros(random.below(4_000) as u64));
                    let _in_hand = knife.lock().unwrap();
                    kill_all();
                }
            }
        });
        Self { is_over, knife, thread }
    }

    fn rest<T>(&self, meanwhile: impl FnOnce() -> T) -> T {
        let _taken_away = self.knife.lock().unwrap();
        meanwhile()
    }

    fn stop(self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
    }
}

/// Not so many that the rules are too much for one transaction in a user namespace.
const N_CUTS: usize = 200;

const ORPHAN: &str = "OC2_TEST_ORPHAN";
