//! scratch: distinct panics
use oc2_tests_fuzz::{Mutations, TARGETS};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::catch_unwind;
thread_local!(static MSG: RefCell<String> = RefCell::new(String::new()));
fn main() {
    std::panic::set_hook(Box::new(|i| {
        let m = format!(
            "{}:{} {}",
            i.location().unwrap().file(),
            i.location().unwrap().line(),
            i.payload()
                .downcast_ref::<String>()
                .cloned()
                .or(i.payload().downcast_ref::<&str>().map(|s| s.to_string()))
                .unwrap_or_default()
        );
        MSG.with(|c| *c.borrow_mut() = m);
    }));
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let only = std::env::args().nth(2);
    for t in TARGETS {
        if t.name == "http" || only.as_ref().is_some_and(|o| o != t.name) {
            continue;
        }
        let seeds = (t.seeds)();
        let mut m = Mutations::new(1);
        let mut found: BTreeMap<String, (usize, Vec<u8>, String)> = BTreeMap::new();
        let f = t.read;
        let start = std::time::Instant::now();
        for i in 0..seeds.len() + n {
            let b = if i < seeds.len() { seeds[i].clone() } else { m.next_of(&seeds) };
            if catch_unwind(|| f(&b)).is_err() {
                let msg = MSG.with(|c| c.borrow().clone());
                let key: String = msg
                    .chars()
                    .take_while(|c| !matches!(c, '\\' | '{'))
                    .take(110)
                    .filter(|c| !c.is_ascii_digit())
                    .collect();
                let e = found.entry(key).or_insert((0, b.clone(), msg.clone()));
                e.0 += 1;
                if b.len() < e.1.len() {
                    e.1 = b;
                    e.2 = msg;
                }
            }
        }
        println!("== {} seeds {} runs {} in {:?}", t.name, seeds.len(), n, start.elapsed());
        for (_, (c, b, msg)) in found {
            println!(
                "  {c}x {}\n      {}",
                b.escape_ascii().to_string().chars().take(300).collect::<String>(),
                msg.chars().take(500).collect::<String>()
            );
        }
    }
}
