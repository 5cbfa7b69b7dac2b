use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use oc2_packet_filter::backend::Backend;
use oc2_packet_filter::{Change, Family, Flavor, Hook, Ruleset};

use crate::support::{Host, Random, insert, numbered, tcp};

on_every_flavor! {
    fn two_thousand_transactions_beside_another_writer_are_all_right(host) {
        let mut expected = Ruleset::new();
        let mut backend = host.loaded(&expected);
        let writer = Writer::start(host);
        let mut random = Random(11);
        for _ in 0..2_000 {
            let change = any_change(&mut random, &expected);
            backend.apply(std::slice::from_ref(&change)).unwrap();
            expected.apply(&[change]).unwrap();
        }
        let n_theirs = writer.stop();
        assert!(backend.holds(&expected).unwrap());
        for (family, &n) in Family::ALL.into_iter().zip(&n_theirs) {
            let theirs = host.iptables(family, "-S THEIRS");
            assert_eq!(theirs.lines().filter(|line| line.starts_with("-A")).count(), n);
        }
        println!("beside three times {n_theirs:?} transactions of others");
    }

    fn loads_beside_another_writer_keep_one_hook_at_the_top(host) {
        let rules: Ruleset = numbered(Family::ALL.map(|family| tcp(family, Hook::Input, 1)));
        let mut backend = host.loaded(&rules);
        let writer = Writer::start(host);
        for _ in 0..10 {
            backend.load(&rules).unwrap();
        }
        writer.stop();
        backend.load(&rules).unwrap();
        assert!(backend.holds(&rules).unwrap());
    }
}

fn any_change(random: &mut Random, held: &Ruleset) -> Change {
    let (family, hook) = (Family::ALL[random.below(2)], Hook::ALL[random.below(2)]);
    if held.len() < 40 || (held.len() < 800 && random.below(2) == 0) {
        let mut numbers = std::iter::repeat_with(|| random.below(1_000_000) as i64);
        let is_free = |number: &i64| held.iter().all(|rule| rule.number().as_i64() != *number);
        let number = numbers.find(is_free).unwrap();
        insert(number, tcp(family, hook, random.below(60_000) as u16))
    } else {
        Change::Delete(held.iter().nth(random.below(held.len())).unwrap().clone())
    }
}

/// Somebody else who works on the same tables as fast as can be: a chain that grows, and a rule above our hook that comes
/// and goes.
struct Writer {
    is_over: Arc<AtomicBool>,
    threads: Vec<thread::JoinHandle<usize>>,
}

impl Writer {
    fn start(host: &Host) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let start = |family| {
            host.iptables(family, "-N THEIRS");
            let (tool, is_over) = (host.tool(family, "-restore"), is_over.clone());
            thread::spawn(move || write(&tool, &is_over))
        };
        Self { threads: Family::ALL.map(start).into(), is_over }
    }

    /// How long the chain is for each family.
    fn stop(self) -> Vec<usize> {
        self.is_over.store(true, Ordering::Relaxed);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

fn write(tool: &Path, is_over: &AtomicBool) -> usize {
    let mut child = Command::new(tool)
        .args(["--noflush", "-w", "5", "-v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    let mut n = 0;
    while !is_over.load(Ordering::Relaxed) {
        for line in ["-A THEIRS -p udp -j DROP", "-I INPUT 1 -j THEIRS", "-D INPUT -j THEIRS"] {
            stdin.write_all(format!("*filter\n{line}\nCOMMIT\n# done\n").as_bytes()).unwrap();
            assert_ne!(stdout.read_line(&mut String::new()).unwrap(), 0, "the other writer failed at {line}");
        }
        n += 1;
        thread::sleep(Duration::from_millis(1));
    }
    drop(stdin);
    child.wait().unwrap();
    n
}
