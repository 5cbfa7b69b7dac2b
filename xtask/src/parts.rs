//! A task of several parts, each of which runs whatever became of the others.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};
use crate::process::{self, Interrupt};

/// The parts so far.
#[derive(Debug, Default)]
pub(crate) struct Parts(Vec<Part>);

#[derive(Debug)]
struct Part {
    name: String,
    took: Duration,
    ok: bool,
}

impl Parts {
    /// Does one part and notes how it went.
    ///
    /// # Errors
    ///
    /// Only when a signal ended it, because then no other part should begin.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        println!("\n== {name}");
        let started = Instant::now();
        let outcome = work();
        self.0.push(Part { name: name.to_owned(), took: started.elapsed(), ok: outcome.is_ok() });
        match outcome {
            Err(Failure::Interrupted(signal)) => Err(Failure::Interrupted(signal)),
            Err(failure) => {
                eprintln!("{name}: {failure}");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// Does one part that is a command; its name is the command.
    pub(crate) fn run_command(&mut self, command: &mut Command, interrupt: &Interrupt) -> Result<()> {
        self.run(&process::line(command), || {
            let status = process::run(command, interrupt)?;
            if status.success() { Ok(()) } else { Err(Failure::new(status.to_string())) }
        })
    }

    /// Prints the summary; fails when a part did.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n== summary\n{}", self.summary());
        if self.0.iter().all(|part| part.ok) { Ok(()) } else { Err(Failure::Reported) }
    }

    fn summary(&self) -> String {
        let line = |part: &Part| {
            let verdict = if part.ok { "ok    " } else { "FAILED" };
            format!("{verdict} {:>7.1} s  {}", part.took.as_secs_f32(), part.name)
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_part_does_not_keep_the_next_from_running() {
        let mut parts = Parts::default();
        parts.run("one", || Err(Failure::new("no"))).unwrap();
        parts.run("two", || Ok(())).unwrap();
        assert_eq!(parts.summary(), "FAILED     0.0 s  one\nok         0.0 s  two");
        assert!(parts.finish().is_err());
    }

    #[test]
    fn a_signal_keeps_the_next_part_from_running() {
        assert!(matches!(Parts::default().run("one", || Err(Failure::Interrupted(2))), Err(Failure::Interrupted(2))));
    }
}
