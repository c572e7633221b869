//! `archlearn work`, `enqueue` and `message`: the pipeline behind its queue.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use architecture_learning::broadway::Event;
use architecture_learning::model::DeviceChoice;
use architecture_learning::pipeline::{self, Limits, Mode, QUEUE, Service, Validator, Watch};
use architecture_learning::{DataDir, LearningError};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Work, print, print_json};

/// The exit status of whoever is told twice to stop.
const STOPPED: u8 = 130;

pub(super) fn work(data: DataDir, options: Work) -> Result<ExitCode, LearningError> {
    let (limits, mode) = (Limits::from_env()?, Mode::from_env()?);
    let interval = options.rate_interval_ms.map(Duration::from_millis);
    let device = DeviceChoice::from(options.device).resolve()?;
    let validator = match options.validator {
        Some(program) => program,
        None => this_program()?,
    };
    let service = Service {
        data,
        validator: Validator(validator),
        device,
        limits: limits.with_rate(options.rate_limit, interval),
        mode,
        hidden: Duration::from_secs(options.hidden),
        processors: usize::try_from(options.processors).unwrap_or(usize::MAX),
        telemetry: Arc::new(tell),
        watch: Watch { metrics: options.metrics, otlp: options.otlp, on_alert: options.on_alert },
    };
    pipeline::log();
    let runtime = super::runtime()?;
    let ended = runtime.block_on(until_told(service));
    // a step that does not stop must not keep the process
    runtime.shutdown_background();
    ended
}

/// Works until told to stop, then drains; told again, it stops at once.
async fn until_told(service: Service) -> Result<ExitCode, LearningError> {
    let (mut signals, mode) = (Signals::hear()?, service.mode);
    let serving = tokio::select! {
        serving = service.begin() => serving?,
        () = signals.told() => return Ok(ExitCode::SUCCESS),
    };
    eprintln!("{mode} mode: works on queue {QUEUE}");
    signals.told().await;
    let grace = pipeline::GRACE.as_secs();
    eprintln!("stopping: what is under way has {grace} s; a second signal stops at once");
    tokio::select! {
        done = serving.drain() => {
            if !done {
                eprintln!("messages that were not done in time come back");
            }
            Ok(ExitCode::SUCCESS)
        }
        () = signals.told() => Ok(ExitCode::from(STOPPED)),
    }
}

/// Hears that the process is to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn hear() -> Result<Self, LearningError> {
        let hear = |kind| {
            signal(kind).map_err(|source| LearningError::Engine {
                doing: "listen for signals",
                source: Box::new(source),
            })
        };
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: hear(terminate)?, interrupt: hear(interrupt)? })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What a person should know of legacy mode: each message that is done, and what goes wrong.
fn tell(event: Event) {
    for line in lines(event) {
        eprintln!("{line}");
    }
}

fn lines(event: Event) -> Vec<String> {
    match event {
        Event::BatchProcessorStop { ids, failed: 0, .. } => {
            ids.iter().map(|id| format!("message {id} done")).collect()
        }
        Event::BatchProcessorStop { ids, .. } => ids
            .iter()
            .map(|id| {
                format!("message {id} was handled and could not be acknowledged: it comes back")
            })
            .collect(),
        Event::MessageException { id, reason, .. } => {
            vec![format!("message {id} failed: {reason}")]
        }
        Event::MessageLost { id } => vec![format!("message {id} was taken over by another reader")],
        Event::QueueUnanswered { doing, reason } => {
            vec![format!("the queue did not {doing}: {reason}")]
        }
        _ => Vec::new(),
    }
}

pub(super) fn this_program() -> Result<PathBuf, LearningError> {
    std::env::current_exe()
        .map_err(|source| LearningError::Read { path: PathBuf::from("archlearn"), source })
}

pub(super) fn enqueue(path: &Path) -> Result<(), LearningError> {
    let whole = path.canonicalize();
    let path = whole.map_err(|source| LearningError::Read { path: path.to_owned(), source })?;
    let id = super::runtime()?.block_on(pipeline::enqueue(path))?;
    print(&format!("{id}\n"));
    Ok(())
}

pub(super) fn message(id: i64, json: bool) -> Result<(), LearningError> {
    let became = super::runtime()?.block_on(pipeline::became(id))?;
    if json {
        return print_json(&became);
    }
    print(&format!("message {id}: {became}\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_acknowledged_is_said() {
        let batch = |successful, failed| Event::BatchProcessorStop {
            ids: vec![4, 5],
            duration: Duration::ZERO,
            successful,
            failed,
        };
        assert_eq!(lines(batch(2, 0)), ["message 4 done", "message 5 done"]);
        let comes_back =
            |id| format!("message {id} was handled and could not be acknowledged: it comes back");
        assert_eq!(lines(batch(0, 2)), [comes_back(4), comes_back(5)]);
    }
}
