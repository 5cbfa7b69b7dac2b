//! A line for people, letter for letter as `tracing_subscriber` writes it without colors, for a fifth of what it takes: a line for each
//! Command is to cost little beside the Command.

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{Format, FormatFields, Full, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent};
use tracing_subscriber::registry::LookupSpan;

/// The layout of a line.
#[derive(Default)]
pub(super) struct Text {
    /// For what is told within a span, which nothing of ours is.
    full: Format<Full>,
}

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if out.has_ansi_escapes() || context.lookup_current().is_some() {
            return self.full.format_event(context, out, event);
        }
        write_time(&mut out, SystemTime::now())?;
        out.write_str(match *event.metadata().level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        out.write_str(event.metadata().target())?;
        out.write_char(':')?;
        let mut fields = Fields { out: &mut out, res: Ok(()) };
        event.record(&mut fields);
        fields.res?;
        out.write_char('\n')
    }
}

/// The time with microseconds. What is the same for a second is kept for as long.
fn write_time(out: &mut Writer<'_>, now: SystemTime) -> fmt::Result {
    thread_local! {
        static SECOND: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) };
    }
    let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != since_1970.as_secs() || text.is_empty() {
            *second = since_1970.as_secs();
            let time = i64::try_from(*second).ok().and_then(|second| Timestamp::from_second(second).ok());
            text.clear();
            // No host has a clock beyond the years that can be written.
            write!(text, "{}", time.unwrap_or(Timestamp::UNIX_EPOCH))?;
            text.pop();
            text.push('.');
        }
        out.write_str(text)
    })?;
    let mut micros = since_1970.subsec_micros();
    let mut digits = *b"000000Z";
    for digit in digits[..6].iter_mut().rev() {
        *digit += (micros % 10) as u8;
        micros /= 10;
    }
    out.write_str(str::from_utf8(&digits).map_err(|_| fmt::Error)?)
}

/// Writes fields behind what is there.
struct Fields<'a, 'w> {
    out: &'a mut Writer<'w>,
    res: fmt::Result,
}

impl Fields<'_, '_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        if self.res.is_ok() {
            self.res = append_name(self.out, field.name()).and_then(|()| value(self.out));
        }
    }
}

fn append_name(out: &mut Writer<'_>, name: &str) -> fmt::Result {
    out.write_char(' ')?;
    if name == MESSAGE {
        return Ok(());
    }
    out.write_str(name.strip_prefix("r#").unwrap_or(name))?;
    out.write_char('=')
}

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == MESSAGE {
            return self.record_debug(field, &format_args!("{value}"));
        }
        self.write(field, |out| match needs_escape(value) {
            true => write!(out, "{value:?}"),
            false => {
                out.write_char('"')?;
                out.write_str(value)?;
                out.write_char('"')
            }
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.write(field, |out| {
            let (mut digits, mut start, mut rest) = ([0; 20], 20, value);
            loop {
                start -= 1;
                digits[start] = b'0' + (rest % 10) as u8;
                rest /= 10;
                if rest == 0 {
                    break;
                }
            }
            out.write_str(str::from_utf8(&digits[start..]).map_err(|_| fmt::Error)?)
        });
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut sources = Vec::new();
        let mut source = value.source();
        while let Some(error) = source {
            sources.push(error.to_string());
            source = error.source();
        }
        self.write(field, |out| match sources.is_empty() {
            true => write!(Escaped(out), "{value}"),
            false => write!(Escaped(out), "{value} {}.sources=[{}]", field.name(), sources.join(", ")),
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |out| match field.name() {
            MESSAGE => write!(Escaped(out), "{value:?}"),
            _ => write!(out, "{value:?}"),
        });
    }
}

/// Whether a text would not stand between quotes as it is. All of it is looked at, because that takes no decisions.
fn needs_escape(text: &str) -> bool {
    let is_other = |byte: u8| !(0x20..0x7f).contains(&byte) | (byte == b'"') | (byte == b'\\');
    text.bytes().fold(false, |found, byte| found | is_other(byte))
}

/// Lets nothing through that a terminal would obey.
struct Escaped<'a, 'w>(&'a mut Writer<'w>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.bytes().fold(true, |is_plain, byte| is_plain & (0x20..0x7f).contains(&byte)) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|char| match char {
            '\x1b' | '\x07' | '\x08' | '\x0c' | '\x7f' => write!(self.0, "\\x{:02x}", u32::from(char)),
            '\u{80}'..='\u{9f}' => write!(self.0, "\\u{{{:x}}}", u32::from(char)),
            _ => self.0.write_char(char),
        })
    }
}

const MESSAGE: &str = "message";

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::{MakeWriter, time::FormatTime};

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Log {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    /// Everything but the time.
    fn logged(events: impl FnOnce(), format: impl FnOnce(Log) -> tracing::Dispatch) -> Vec<String> {
        let log = Log::default();
        tracing::dispatcher::with_default(&format(log.clone()), events);
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        // A text may have lines of its own.
        text.lines().map(|line| line.split_once("Z ").map_or(line, |(_, rest)| rest).to_owned()).collect()
    }

    fn check(events: impl Fn()) {
        let builder = || tracing_subscriber::fmt().with_max_level(Level::TRACE).with_ansi(false);
        let ours = logged(&events, |log| builder().with_writer(log).event_format(Text::default()).finish().into());
        let theirs = logged(&events, |log| builder().with_writer(log).finish().into());
        assert!(!ours.is_empty());
        assert_eq!(ours, theirs);
    }

    #[test]
    fn lines_are_what_they_were() {
        check(|| {
            let none: Option<&str> = None;
            tracing::info!(target: "oc2::audit", peer = %"192.0.2.1", from = Some("soc-1"), none, status = 200_u16, n = u64::MAX, zero = 0_u64, "Done.");
            tracing::error!(text = "a \"quoted\" \\ text\nof two lines, \u{e9} \x1b[1m", r#type = ?Some(1), float = 0.5, "No.");
            tracing::warn!(minus = -1, yes = true, bytes = ?b"ab", "{} {}", "a \x1b[31m\u{85}\x07 text", 7);
            tracing::debug!(only = 1);
            tracing::trace!("A text with a \n in it.");
            tracing::info!(text = "", wide = u128::MAX);
        });
    }

    #[test]
    fn errors_are_told_with_their_sources() {
        #[derive(Debug)]
        struct Outer(io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an \x1b error")
            }
        }
        impl Error for Outer {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&self.0)
            }
        }
        let (inner, outer) = (io::Error::other("inner"), Outer(io::Error::other("inner")));
        check(|| {
            tracing::error!(error = &inner as &(dyn Error + 'static), "It failed.");
            tracing::error!(error = &outer as &(dyn Error + 'static), "It failed.");
        });
    }

    #[test]
    fn what_is_told_within_a_span_says_so() {
        check(|| with_span(|| tracing::info!(n = 1, "Within.")));
    }

    fn with_span(event: impl FnOnce()) {
        tracing::info_span!("outer", a = 1).in_scope(event);
    }

    #[test]
    fn times_are_what_they_were() {
        let timer = tracing_subscriber::fmt::time::SystemTime;
        let theirs = || {
            let mut text = String::new();
            timer.format_time(&mut Writer::new(&mut text)).unwrap();
            text
        };
        let ours = |now| {
            let mut text = String::new();
            write_time(&mut Writer::new(&mut text), now).unwrap();
            text
        };
        let (before, now, after) = (theirs(), ours(SystemTime::now()), theirs());
        assert_eq!(now.len(), before.len());
        assert!(before <= now && now <= after, "{before} {now} {after}");
        let new_year = SystemTime::UNIX_EPOCH + Duration::from_micros(1_735_689_599_000_042);
        assert_eq!(ours(new_year), "2024-12-31T23:59:59.000042Z");
        assert_eq!(ours(new_year + Duration::from_secs(1)), "2025-01-01T00:00:00.000042Z");
        assert_eq!(ours(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000000Z");
    }
}
