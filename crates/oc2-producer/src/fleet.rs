//! One Command through a broker, to one Consumer or to many: send, gather, show, sum up.

use std::process::ExitCode;
use std::time::Duration;

use oc2_core::{Mode, ResponseType};
use oc2_producer::{Broadcast, Prepared, Producer, ProducerError, Received, Responses};
use oc2_transfer::TransferError;
use oc2_transfer_mqtt::{Destination, MqttTransfer};
use tokio::time::{Instant, sleep, timeout};
use tokio::{runtime, select, signal};

use crate::cli::Cli;
use crate::failure::Failure;
use crate::mqtt::Plan;
use crate::render;
use crate::screen::Screen;
use crate::send::{builder, mode};
use crate::tally::{self, Tally};

/// Sends what was prepared, and shows who answers.
pub(crate) fn run(cli: &Cli, plan: &Plan, identity: String, prepared: Prepared) -> Result<ExitCode, Failure> {
    let transfer = plan.transfer(&cli.broker, &cli.security, mode(cli))?;
    let producer = builder(cli, transfer.clone(), identity).build();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::exchange)?;
    let ended = runtime.block_on(exchange(cli, plan, &producer, transfer, prepared));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    ended
}

async fn exchange(
    cli: &Cli,
    plan: &Plan,
    producer: &Producer,
    transfer: MqttTransfer,
    prepared: Prepared,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let is_one = matches!(plan.destination, Destination::Device(_));
    let screen = if is_one { Screen::still() } else { Screen::counting(plan.expected, plan.wait) };
    let mut gathering =
        Gathering { cli, plan, started, screen, is_one, is_sent: false, lost: None, tally: Tally::new(plan.expected) };
    let ended = select! {
        ended = gathering.run(producer, prepared) => Some(ended),
        Ok(()) = signal::ctrl_c() => None,
    };
    gathering.screen.end();
    gathering.lost = transfer.lost();
    // The broker learns that we go; whether it does is of no consequence.
    let _ = timeout(GOODBYE, transfer.close()).await;
    match ended {
        Some(ended) => gathering.sum_up(ended?),
        None => gathering.is_interrupted(),
    }
}

/// Answers on their way in.
struct Gathering<'c> {
    cli: &'c Cli,
    plan: &'c Plan,
    started: Instant,
    screen: Screen,
    /// Whether one Consumer is meant, as over HTTP, and not a fleet.
    is_one: bool,
    is_sent: bool,
    /// Why there is no connection to the broker at the end.
    lost: Option<String>,
    tally: Tally,
}

/// How gathering came to its end.
enum End {
    /// No answer is wanted.
    Unanswered,
    /// As many as expected have given their last word.
    Complete,
    /// The time is over.
    Late,
}

impl Gathering<'_> {
    async fn run(&mut self, producer: &Producer, prepared: Prepared) -> Result<End, Failure> {
        let is_answered = prepared.response_wanted() != ResponseType::None;
        let mut responses = self.send(producer, prepared).await?;
        self.is_sent = true;
        while let Some(received) = responses.next().await {
            self.take(received)?;
        }
        Ok(match responses.is_complete() {
            _ if !is_answered => End::Unanswered,
            true => End::Complete,
            false => End::Late,
        })
    }

    /// Sends the Command; while the broker cannot be reached, again and again, and where it was away, until Consumers are back.
    async fn send(&self, producer: &Producer, prepared: Prepared) -> Result<Responses, Failure> {
        let mut away = None;
        loop {
            let left = self.plan.wait.saturating_sub(self.started.elapsed());
            if let Some(away) = away.take_if(|_| left.is_zero()) {
                return Err(self.failure(away));
            }
            match self.broadcast(producer, prepared.clone()).timeout(left).send().await {
                Ok(responses) => return Ok(responses),
                Err(error) if is_passing(&error, away.is_some()) => {
                    if away.is_none() {
                        self.screen.tell("warning", format!("{error}; trying again until {} are over", self.wait()));
                    }
                    away = Some(error);
                    sleep(PAUSE.min(left)).await;
                }
                Err(ProducerError::Transfer(TransferError::Timeout(_))) => {
                    return Err(away.map_or_else(|| self.is_not_taken(), |away| self.failure(away)));
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    fn broadcast<'p>(&self, producer: &'p Producer, prepared: Prepared) -> Broadcast<'p> {
        let broadcast = producer.broadcast_prepared(prepared);
        match self.plan.expected {
            Some(expected) => broadcast.expected(expected),
            None => broadcast,
        }
    }

    /// Shows an answer and counts it.
    fn take(&mut self, received: Result<Received, ProducerError>) -> Result<(), Failure> {
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                self.tally.count_unreadable();
                self.screen.tell("warning", error);
                return Ok(());
            }
        };
        self.tally.count(&received);
        self.screen.set(self.tally.n_answered());
        self.screen.print(&self.shown(&received)?)?;
        if self.cli.output.show {
            let from = tally::name(received.from());
            received.notes.iter().for_each(|note| self.screen.tell("tolerated", format!("{from}: {note}")));
        }
        Ok(())
    }

    fn shown(&self, received: &Received) -> Result<String, Failure> {
        if self.cli.output.json {
            render::json_line(received)
        } else if self.is_one {
            Ok(render::people(&received.response, &received.into()))
        } else {
            Ok(render::one_of_many(received))
        }
    }

    /// The last words, and the exit status.
    fn sum_up(&self, end: End) -> Result<ExitCode, Failure> {
        let words = match end {
            End::Unanswered => return self.tell_people(UNANSWERED).map(|()| ExitCode::SUCCESS),
            End::Complete => self.tally.words(&format!("within {}", render::lasted(self.started.elapsed()))),
            End::Late => self.words(&format!("within {}", self.wait())),
        };
        self.show_table()?;
        if self.tally.has_failures() {
            // Who is missing is told though it is not the worst.
            match (self.cli.output.json || self.is_one, self.tally.is_whole()) {
                (true, false) => self.screen.tell("warning", words),
                (true, true) => {}
                (false, _) => self.screen.print(&words)?,
            }
            return Ok(ExitCode::from(OTHER_STATUS));
        }
        if !self.tally.is_whole() {
            let remedy = match mode(self.cli) {
                _ if !self.tally.has_unreadable() => LATE,
                Mode::Strict => "The Command may have been performed. Without --strict, more is accepted.",
                Mode::Lenient => "The Command may have been performed.",
            };
            return Err(Failure::exchange(words).with_remedy(remedy));
        }
        if !self.is_one {
            self.tell_people(&words)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn is_interrupted(&self) -> Result<ExitCode, Failure> {
        let time = format!("until interrupted after {}", render::lasted(self.started.elapsed()));
        if !self.is_sent {
            return Err(Failure::interrupted(format!("the broker did not confirm that it has the Command {time}")));
        }
        self.show_table()?;
        Err(Failure::interrupted(self.words(&time)))
    }

    /// Who answered until then, and what kept others from being heard.
    fn words(&self, time: &str) -> String {
        let words = self.tally.words(time);
        match &self.lost {
            Some(reason) => {
                let broker = self.plan.broker();
                format!("{words}; {broker} had taken the Command, and then the connection was lost: {reason}")
            }
            None => words,
        }
    }

    fn show_table(&self) -> Result<(), Failure> {
        if self.is_one || self.cli.output.json || self.tally.n_answered() == 0 {
            return Ok(());
        }
        self.screen.print(&format!("\n{}\n", self.tally.table()))
    }

    fn tell_people(&self, words: &str) -> Result<(), Failure> {
        if self.cli.output.json { Ok(()) } else { self.screen.print(words) }
    }

    fn is_not_taken(&self) -> Failure {
        let (broker, wait) = (self.plan.broker(), self.wait());
        Failure::exchange(format!("{broker} did not confirm within {wait} that it has the Command")).with_remedy(LATE)
    }

    fn failure(&self, error: ProducerError) -> Failure {
        match error {
            ProducerError::Transfer(TransferError::Unreachable { .. }) => {
                Failure::exchange(error).with_remedy("Does the broker run, and is --to right?")
            }
            error => Failure::of(error, mode(self.cli)),
        }
    }

    fn wait(&self) -> String {
        format!("{} s", self.plan.wait.as_secs_f64())
    }
}

/// Whether another attempt may get through.
fn is_passing(error: &ProducerError, was_away: bool) -> bool {
    match error {
        ProducerError::Transfer(TransferError::Unreachable { .. }) => true,
        // Consumers come back to a broker that forgot them one after the other.
        ProducerError::Transfer(TransferError::Unheard { .. }) => was_away,
        _ => false,
    }
}

const UNANSWERED: &str = "sent; no answer is wanted";
const LATE: &str =
    "The Command may have been performed all the same. --wait waits longer; sent again, it is a new Command.";
const OTHER_STATUS: u8 = 1;
/// Between two attempts; those of the transfer have pauses of their own.
const PAUSE: Duration = Duration::from_millis(200);
/// How long saying goodbye may take.
const GOODBYE: Duration = Duration::from_secs(1);
