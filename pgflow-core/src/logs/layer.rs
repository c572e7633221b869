//! The layer that listens.

use std::{
    fmt::{self, Debug, Write},
    sync::{Arc, PoisonError, atomic::Ordering},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use crate::store::log::BYTES_MAX;

use super::{HANDED, LISTENING, Tail};

/// How many lines of an attempt are kept.
const LINES: usize = 50;
/// Where a line is cut.
const LINE_BYTES: usize = 1024;

/// A layer that keeps the last log lines of each attempt, from `INFO` up: at most 50 of them, at most 8 kB. A worker writes
/// them down when the attempt fails, and with its heartbeat while somebody looks at them
/// ([`Flow::logs`](crate::client::Flow::logs)). Lines of a step are those that are said in its span: threads and tasks that
/// the step starts take it along by `Span::current()`. A filter of the whole subscriber goes before this layer, so give
/// other layers filters of their own:
///
/// ```
/// use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt};
///
/// let subscriber = tracing_subscriber::registry()
///     .with(tracing_subscriber::fmt::layer().with_filter(LevelFilter::WARN))
///     .with(pgflow::logs());
/// # drop(subscriber);
/// ```
pub fn logs<S>() -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    Listener.with_filter(LevelFilter::INFO)
}

struct Listener;

/// What a span of a step carries.
struct Speaks(Arc<Tail>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn on_layer(&mut self, _: &mut S) {
        LISTENING.store(true, Ordering::Relaxed);
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(tail) = HANDED.take()
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(Speaks(tail));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let tail = context.event_scope(event).and_then(|mut spans| spans.find_map(|s| tail(&s)));
        let Some(tail) = tail else { return };
        tail.say(event.metadata().level().as_str(), |line| event.record(&mut Fields(line)));
    }
}

fn tail<S: for<'a> LookupSpan<'a>>(span: &SpanRef<'_, S>) -> Option<Arc<Tail>> {
    span.extensions().get::<Speaks>().map(|speaks| speaks.0.clone())
}

/// Writes the message, then fields as `name=value`.
struct Fields<'l>(&'l mut Line);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.record_debug(field, &format_args!("{value}")),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // what is cut needs no more
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            // where a line of the crate `log` comes from
            name if name.starts_with("log.") => Ok(()),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

impl Tail {
    /// Adds a line: the time, the level, and what `write` says.
    fn say(&self, level: &str, write: impl FnOnce(&mut Line)) {
        let mut line = Line::default();
        let _ = write!(line, "{:>8.3}s {level:>5}", self.since.elapsed().as_secs_f64());
        write(&mut line);
        let mut text = if line.cut {
            self.hidden.hide_in_cut(&line.text)
        } else {
            self.hidden.hide(&line.text)
        };
        if line.cut {
            text.push('…');
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.said += 1;
        kept.bytes += text.len() + 1;
        kept.lines.push_back(text);
        while kept.lines.len() > LINES || kept.bytes > BYTES_MAX {
            let Some(first) = kept.lines.pop_front() else { return };
            kept.bytes -= first.len() + 1;
        }
    }
}

/// A line that is written: one line whatever is written, and cut where it is too long.
#[derive(Debug, Default)]
struct Line {
    text: String,
    cut: bool,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.cut {
                return Err(fmt::Error);
            }
            if self.text.len() >= LINE_BYTES {
                self.cut = true;
            } else if c.is_control() {
                self.text.extend(c.escape_default());
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{payload::Json, redact::Secrets};

    fn tail() -> Tail {
        Tail::new(Secrets::default())
    }

    #[test]
    fn a_line_stays_one_and_is_cut_between_characters_however_long_it_is() {
        let tail = tail();
        tail.say("INFO", |line| _ = write!(line, " a\0b\nc\x1b[31m"));
        tail.say("INFO", |line| {
            let long = "🦀".repeat(1 << 18);
            assert!(write!(line, "{long}").is_err(), "the writer need not go on");
            assert!(write!(line, "more").is_err());
        });
        let (said, text) = tail.so_far();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((said, lines.len()), (2, 2));
        assert!(lines[0].ends_with(r" INFO a\u{0}b\nc\u{1b}[31m"), "{}", lines[0]);
        assert!(lines[1].ends_with("🦀…") && lines[1].len() < LINE_BYTES + 8, "{}", lines[1].len());
    }

    #[test]
    fn what_is_hidden_is_in_no_line_nor_its_beginning_where_a_line_is_cut() {
        let hidden = Secrets::of(&Json::from_trusted(r#""hunter2 and more""#), &[""]);
        let tail = Tail::new(hidden);
        tail.say("INFO", |line| _ = write!(line, " {:?}", "as hunter2 and more"));
        for n in 985..1024 {
            tail.say("INFO", |line| _ = write!(line, "{}hunter2 and more", "x".repeat(n)));
        }
        let (_, text) = tail.so_far();
        assert!(!text.contains("hunter"), "{text}");
    }

    #[test]
    fn the_last_fifty_lines_are_kept_and_of_long_ones_fewer() {
        let tail = tail();
        (0..1000).for_each(|n| tail.say("WARN", |line| _ = write!(line, " line {n}")));
        let (said, text) = tail.so_far();
        assert_eq!((said, text.lines().count()), (1000, LINES));
        assert!(text.ends_with("line 999") && text.lines().next().unwrap().ends_with("line 950"));
        (0..9).for_each(|_| tail.say("WARN", |line| _ = line.write_str(&"x".repeat(2000))));
        let (said, text) = tail.so_far();
        assert_eq!(said, 1009);
        assert!(text.len() <= BYTES_MAX && text.lines().count() == 7, "{}", text.len());
    }
}
