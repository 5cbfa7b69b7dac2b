//! The kills, as the process 1 of an enclosure.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::Signal;
use serde_json::Value;

use super::kernel::{self, Sight};
use super::ledger::{Ledger, Moment, Request, Standing, now};
use super::line::Line;
use super::point::Point;
use super::random::Random;
use super::rule::{self, Kind};
use super::subject::{Subject, stands, wait_for_orphans};
use super::tally::{Phase, Tally};
use super::{Backend, Fault, plan};
use crate::demo::consumer::Consumer;
use crate::failure::{Failure, Place, Result};
use crate::netns;

/// What the process outside hands in.
#[derive(Args, Debug)]
pub(crate) struct Inside {
    #[arg(long)]
    pub(super) consumer: PathBuf,
    #[arg(long)]
    pub(super) backend: Backend,
    #[arg(long)]
    pub(super) points: u32,
    #[arg(long)]
    pub(super) seed: u64,
    #[arg(long)]
    pub(super) fault: Option<Fault>,
}

impl Inside {
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            vec!["__kills-inside".into(), "--consumer".into(), self.consumer.clone().into()];
        let mut say = |name: &str, value: String| arguments.extend([name.into(), value.into()]);
        say("--backend", self.backend.to_string());
        say("--points", self.points.to_string());
        say("--seed", self.seed.to_string());
        if let Some(fault) = self.fault {
            say("--fault", format!("{fault:?}").to_lowercase());
        }
        arguments
    }

    /// Kills as often as it is told to, and says what came of it.
    pub(crate) fn run(self) -> Result<()> {
        netns::enter()?;
        netns::lay_out_alone()?;
        let started = Instant::now();
        let (seed, n_points) =
            (self.seed, if self.fault.is_some() { self.points.min(FAULTY_POINTS) } else { self.points });
        let what = self.fault.map_or(String::new(), |fault| format!(" with {fault}"));
        println!("{}{what}: {n_points} points, seed {seed}.", self.backend);
        let fault = self.fault;
        let mut run = Run::new(self)?;
        let outcome = run.all(n_points);
        match (outcome, fault) {
            (Ok(()), None) => {
                println!("{}every promise was kept ({:.0} s).", run.tally, started.elapsed().as_secs_f32());
                Ok(())
            }
            (Err(failure), None) => {
                println!("{}A PROMISE WAS BROKEN with seed {seed}, {}:\n{failure}", run.tally, run.at);
                println!("the daemon's log:\n{}", run.log);
                Err(Failure::Reported)
            }
            (Ok(()), Some(fault)) => {
                println!("{}{fault} was not found.", run.tally);
                Err(Failure::Reported)
            }
            // What was broken is found when it is looked for, and not by what else may go wrong.
            (Err(failure), Some(_)) if run.is_broken => {
                println!("found {}:\n{failure}", run.at);
                Ok(())
            }
            (Err(failure), Some(_)) => Err(failure),
        }
    }
}

/// All of it, from one kill to the next.
struct Run {
    subject: Subject,
    backend: Backend,
    fault: Option<Fault>,
    random: Random,
    ledger: Ledger,
    tally: Tally,
    /// Whether the fault was made.
    is_broken: bool,
    /// Where we are, for the story.
    at: String,
    log: String,
}

/// What the daemon did meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Goes,
    Ended,
}

impl Run {
    fn new(told: Inside) -> Result<Self> {
        let subject = Subject::new(told.consumer, netns::temporary_folder(), told.backend)?;
        let ledger = Ledger::new(told.backend == Backend::Iptables);
        let (random, tally) = (Random::new(told.seed), Tally::default());
        let (at, log) = ("at the start".to_owned(), String::new());
        let (backend, fault) = (told.backend, told.fault);
        Ok(Self { subject, backend, fault, random, ledger, tally, is_broken: false, at, log })
    }

    fn all(&mut self, n_points: u32) -> Result<()> {
        let n_first = n_points / FIRST_STARTS;
        for number in 1..=n_first {
            let point = Point::draw_first(&mut self.random);
            self.at = format!("at point {number}, at a first start, killed before {point}");
            self.kill_first_start(point)?;
        }
        self.at = "when the kinds of rules were tried out".to_owned();
        self.try_out()?;
        for number in n_first + 1..=n_points {
            let point = Point::draw(&mut self.random);
            self.at = format!("at point {number}, killed before {point}");
            self.kill_at(point)?;
            if number % 100 == 0 {
                println!("{number} kills, {} commands", self.ledger.requests.len());
            }
        }
        self.at = "after the last point".to_owned();
        self.end()?;
        if self.tally.n_met() * 2 < n_points {
            return Err(Failure::new("most points were not met before all was done: does strace kill here?"));
        }
        Ok(())
    }

    /// Kills it while it makes its files; what it has made it takes at the next start.
    fn kill_first_start(&mut self, point: Point) -> Result<()> {
        if self.random.one_in(2) {
            let state = self.subject.state();
            fs::remove_dir_all(&state)
                .or_else(|error| if state.exists() { Err(error) } else { Ok(()) })
                .place(state.display())?;
        }
        let Start { mut consumer, life, .. } = self.start(Some(point))?;
        self.log = consumer.log();
        let phase = match life {
            Life::Ended => {
                self.expect_kill(&mut consumer, self.backend == Backend::Iptables).map(|()| Phase::StartUp)?
            }
            Life::Goes => Phase::Rest,
        };
        drop(consumer);
        self.tally.killed(point.name(), phase);
        wait_for_orphans()
    }

    /// Learns what each kind of rule looks like in this kernel, and that it does what it says.
    fn try_out(&mut self) -> Result<()> {
        let Start { mut consumer, since, .. } = self.start(None)?;
        let mut line = Line::open().place("a connection")?;
        line.ask("wide", &rule::wide()).place("the wide net")?;
        for kind in Kind::ALL {
            let request = plan::rule(&mut self.ledger, kind, &mut self.random);
            let answer = self.last_word(&mut line, request)?;
            self.ledger.hear(request, &answer, None, &mut self.tally)?;
        }
        let sight = kernel::look(self.backend)?;
        for rule in &self.ledger.rules {
            let look = sight.get(&rule.address).cloned().unwrap_or_default();
            // A window may have ended by now.
            if look.is_empty() && rule.kind != Kind::Window {
                return Err(Failure::new(format!("no tool lists the rule about {}", rule.address)));
            }
            self.ledger.looks.insert(rule.kind, look);
        }
        let plain = self.ledger.looks[&Kind::Deny].clone();
        self.ledger.looks.insert(Kind::Window, plain);
        self.ledger.check_packets(Moment::Alive { since })?;
        let ended = consumer.terminate()?;
        ended.map(drop).ok_or_else(|| Failure::new("the daemon does not stop"))
    }

    /// Asks until the answer is the last: a command may have its time ahead.
    fn last_word(&self, line: &mut Line, request: usize) -> Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.ask(line, request).place("the daemon answers no more")?;
            if answer["status"] != 102 {
                return Ok(answer);
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("{} is not performed: {answer}", self.ledger.requests[request].id)));
            }
            thread::sleep(POLL);
        }
    }

    fn ask(&self, line: &mut Line, request: usize) -> io::Result<Value> {
        let request = &self.ledger.requests[request];
        line.ask(&request.id, &request.command)
    }

    fn start(&self, point: Option<Point>) -> Result<Start> {
        let since = now();
        let mut consumer = self.subject.start(point)?;
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(stands) = stands(&mut consumer)? {
                return Ok(Start { consumer, since, life: if stands { Life::Goes } else { Life::Ended } });
            }
            if Instant::now() > until {
                return Err(Failure::new(format!("the daemon does not listen; its log:\n{}", consumer.log())));
            }
            thread::sleep(POLL);
        }
    }

    /// Starts it, has it perform commands, and looks what is left when it is dead.
    fn kill_at(&mut self, point: Point) -> Result<()> {
        let tools_may_die = self.backend == Backend::Iptables && matches!(point, Point::Call { .. });
        self.ledger.set_tools_may_die(tools_may_die);
        let Start { mut consumer, since, life } = self.start(Some(point))?;
        let lived = match life {
            Life::Ended => self.expect_kill(&mut consumer, tools_may_die).map(|()| Phase::StartUp),
            Life::Goes => self.live(&mut consumer, since, point),
        };
        self.log = consumer.log();
        if tools_may_die {
            self.ledger.performed_anew(self.log.matches(ONE_BY_ONE).count() * plan::MAX_CONNECTIONS);
        }
        let phase = lived?;
        drop(consumer);
        self.tally.killed(point.name(), phase);
        self.break_after()?;
        // A restart at once meets what the former daemon had started; else it is looked what that came to.
        if self.fault.is_some() || !self.random.one_in(4) {
            wait_for_orphans()?;
            self.look(Moment::Left { since })?;
        }
        Ok(())
    }

    /// One life from when it listens, to its end.
    fn live(&mut self, consumer: &mut Consumer, since: u64, point: Point) -> Result<Phase> {
        if self.settle(since)? == Life::Ended {
            return self.expect_kill(consumer, false).map(|()| Phase::Repetition);
        }
        self.break_before()?;
        if self.load(consumer, point)? == Life::Goes {
            consumer.kill();
            return Ok(Phase::Rest);
        }
        self.expect_kill(consumer, false).map(|()| Phase::Load)
    }

    /// It ends, and by SIGKILL: not by itself, whatever happens to its tools, unless it cannot start without them.
    fn expect_kill(&mut self, consumer: &mut Consumer, may_end: bool) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        let status = loop {
            match consumer.ended()? {
                Some(status) => break status,
                None if Instant::now() > until => {
                    return Err(Failure::new("the daemon does not answer, and is not dead"));
                }
                None => thread::sleep(POLL),
            }
        };
        if status.signal() == Some(Signal::KILL.as_raw()) {
            return Ok(());
        }
        if may_end && status.code() == Some(1) {
            self.tally.count("starts that were given up for a tool that was killed");
            return Ok(());
        }
        Err(Failure::new(format!("the daemon ended by itself: {status}")))
    }

    /// Looks whether what was promised is so, and asks again what was not answered, and some of what was.
    fn settle(&mut self, since: u64) -> Result<Life> {
        let sight = self.look(Moment::Alive { since })?;
        let Ok(mut line) = Line::open() else { return Ok(Life::Ended) };
        for request in self.ledger.open_requests() {
            let asked = match self.fault {
                Some(Fault::Twice) => {
                    self.is_broken = true;
                    line.ask(&format!("again-{request}-{since}"), &self.ledger.requests[request].command)
                }
                _ => self.ask(&mut line, request),
            };
            let Ok(answer) = asked else { return Ok(Life::Ended) };
            self.ledger.hear(request, &answer, Some(&sight), &mut self.tally)?;
        }
        let first = self.ledger.requests.len().saturating_sub(REMEMBERED);
        for _ in 0..N_REPEATED {
            let request = first + self.random.below(self.ledger.requests.len() - first);
            if self.ledger.requests[request].answer.as_ref().is_none_or(Value::is_null) {
                continue;
            }
            let Ok(answer) = self.ask(&mut line, request) else { return Ok(Life::Ended) };
            self.tally.count("answered commands that were asked again, and answered alike");
            self.ledger.hear(request, &answer, None, &mut self.tally)?;
        }
        self.look(Moment::Alive { since })?;
        Ok(Life::Goes)
    }

    fn look(&mut self, moment: Moment) -> Result<Sight> {
        let until = Instant::now() + ON_ITS_WAY;
        let sight = loop {
            let from = now();
            let sight = kernel::look(self.backend)?;
            let times = [from, now()];
            match self.ledger.check(&sight, moment, times) {
                Ok(()) => break sight,
                // It comes to an end, or it is broken.
                Err(error) if !self.ledger.is_on_its_way(&sight, moment, times) || Instant::now() > until => {
                    return Err(error);
                }
                Err(_) => thread::sleep(POLL),
            }
        };
        self.ledger.check_packets(moment)?;
        self.tally.count("looks at all rules in the kernel");
        Ok(sight)
    }

    /// Several connections command at once, or one replaces all rules.
    fn load(&mut self, consumer: &mut Consumer, point: Point) -> Result<Life> {
        let plans = if self.random.one_in(UPDATES) && self.ledger.open_requests().is_empty() {
            vec![vec![plan::update(&mut self.ledger, &mut self.random, &self.subject.rules())?]]
        } else {
            plan::load(&mut self.ledger, &mut self.random)
        };
        let ledger = &self.ledger;
        let outcomes: Vec<_> = thread::scope(|scope| {
            let senders: Vec<_> = plans.iter().map(|plan| scope.spawn(move || send(ledger, plan))).collect();
            if let Point::Moment(after) = point {
                thread::sleep(after);
                consumer.kill();
            }
            senders.into_iter().flat_map(|sender| sender.join().unwrap_or_default()).collect()
        });
        let mut life = Life::Goes;
        for (request, outcome) in outcomes {
            self.tally.count("commands sent");
            match outcome {
                Outcome::Unsent => self.ledger.withdraw(request),
                Outcome::Unanswered => {
                    self.tally.count("commands without an answer");
                    self.ledger.tell(request, format_args!("{}: not answered", self.at));
                }
                Outcome::Answered(answer) => {
                    self.tally.count("commands answered");
                    self.ledger.tell(request, &self.at);
                    self.ledger.hear(request, &answer, None, &mut self.tally)?;
                    continue;
                }
            }
            life = Life::Ended;
        }
        Ok(life)
    }

    /// The last start: everything gets its last word, everything goes, and nothing is left.
    fn end(&mut self) -> Result<()> {
        let Start { mut consumer, since, .. } = self.start(None)?;
        self.settle(since)?;
        let mut line = Line::open().place("a connection")?;
        for request in self.ledger.open_requests() {
            let answer = self.last_word(&mut line, request)?;
            self.ledger.hear(request, &answer, None, &mut self.tally)?;
        }
        self.look(Moment::Alive { since })?;
        for rule in plan::deletable(&self.ledger) {
            let request = plan::delete(&mut self.ledger, rule);
            let answer = self.last_word(&mut line, request)?;
            self.ledger.hear(request, &answer, None, &mut self.tally)?;
        }
        self.look(Moment::Alive { since })?;
        let last = plan::rule(&mut self.ledger, Kind::Deny, &mut self.random);
        let answer = self.last_word(&mut line, last)?;
        self.ledger.hear(last, &answer, None, &mut self.tally)?;
        self.ledger.check_numbers(last)?;
        self.log = consumer.log();
        let ended = consumer.terminate()?;
        ended.map(drop).ok_or_else(|| Failure::new("the daemon does not stop"))
    }

    /// What a fault needs to be kept.
    fn break_before(&self) -> Result<()> {
        match self.fault {
            Some(Fault::Disk) => copy(&self.subject.state(), &netns::temporary_folder().join("former")),
            _ => Ok(()),
        }
    }

    fn break_after(&mut self) -> Result<()> {
        let former = netns::temporary_folder().join("former");
        match self.fault {
            None | Some(Fault::Twice) => return Ok(()),
            Some(Fault::Disk) if !former.is_dir() => return Ok(()),
            Some(Fault::Disk) => copy(&former, &self.subject.state())?,
            Some(Fault::Kernel) => kernel::forget(self.backend)?,
            Some(Fault::Half) => {
                let mut rules = self.ledger.rules.iter();
                let rule = rules.find(|rule| rule.kind == Kind::Deny && rule.standing == Standing::InForce);
                let Some(rule) = rule else { return Ok(()) };
                kernel::halve(self.backend, rule.address)?;
            }
        }
        self.is_broken = true;
        Ok(())
    }
}

/// A daemon that was started.
struct Start {
    consumer: Consumer,
    /// Before it was.
    since: u64,
    life: Life,
}

/// What became of a request at first.
enum Outcome {
    Unsent,
    Unanswered,
    Answered(Value),
}

/// One connection's requests, up to the one that gets no answer.
fn send(ledger: &Ledger, plan: &[usize]) -> Vec<(usize, Outcome)> {
    let mut line = Line::open().ok();
    let each = plan.iter().map(|request| {
        let Request { id, command, .. } = &ledger.requests[*request];
        let outcome = match line.as_mut().map(|line| line.ask(id, command)) {
            None => Outcome::Unsent,
            Some(Ok(answer)) => Outcome::Answered(answer),
            Some(Err(_)) => {
                line = None;
                Outcome::Unanswered
            }
        };
        (*request, outcome)
    });
    each.collect()
}

/// Copies the files of a folder in the place of another.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let copy = || {
        let _ = fs::remove_dir_all(to);
        fs::create_dir(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok::<_, io::Error>(())
    };
    copy().place(format_args!("copying {}", from.display()))
}

/// What the daemon says of a group that the kernel did not take.
const ONE_BY_ONE: &str = "they are made one by one";
/// How long a change may take of which nobody was told that it is made.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(3);
/// How long a daemon may take for anything on a busy host.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of so many lives one is a first one.
const FIRST_STARTS: u32 = 20;
/// Of so many lives one replaces all rules.
const UPDATES: usize = 20;
/// How many of the last requests are asked again; the daemon remembers more.
const REMEMBERED: usize = 1000;
const N_REPEATED: usize = 4;
/// After which a fault was found or will not be.
const FAULTY_POINTS: u32 = 30;
