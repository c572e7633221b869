//! `archlearn work`, `enqueue` and `message`: the pipeline behind its queue.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use architecture_learning::broadway::Event;
use architecture_learning::model::DeviceChoice;
use architecture_learning::pipeline::{self, Limits, Mode, QUEUE, Service, Validator, Watch};
use architecture_learning::{DataDir, LearningError};
use tokio::signal::unix::{SignalKind, signal};

use super::{Work, print};

pub(super) fn work(data: DataDir, options: Work) -> Result<(), LearningError> {
    let (limits, mode) = (Limits::from_env()?, Mode::from_env()?);
    let device = DeviceChoice::from(options.device).resolve()?;
    let validator = match options.validator {
        Some(program) => program,
        None => this_program()?,
    };
    let service = Service {
        data,
        validator: Validator(validator),
        device,
        limits,
        mode,
        hidden: Duration::from_secs(options.hidden),
        processors: usize::try_from(options.processors).unwrap_or(usize::MAX),
        telemetry: Arc::new(tell),
        watch: Watch {
            metrics: options.metrics,
            otlp: options.otlp,
            on_alert: options.on_alert,
        },
    };
    pipeline::log();
    eprintln!("{mode} mode: works on queue {QUEUE}");
    super::runtime()?.block_on(async {
        let stopped = stopped()?;
        service.run(stopped).await
    })
}

/// Completes when the process is told to stop.
fn stopped() -> Result<impl Future<Output = ()>, LearningError> {
    let hear = |kind| {
        signal(kind).map_err(|source| LearningError::Engine {
            doing: "listen for signals",
            source: Box::new(source),
        })
    };
    let (mut terminate, mut interrupt) =
        (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// A line for each message that legacy mode is done with, and for what goes wrong.
fn tell(event: Event) {
    match event {
        Event::BatchProcessorStop { ids, failed: 0, .. } => {
            for id in ids {
                eprintln!("message {id} done");
            }
        }
        Event::MessageException { id, reason, .. } => eprintln!("message {id} failed: {reason}"),
        Event::QueueUnanswered { doing, reason } => {
            eprintln!("the queue did not {doing}: {reason}");
        }
        _ => {}
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

pub(super) fn message(id: i64) -> Result<(), LearningError> {
    let fate = super::runtime()?.block_on(pipeline::fate(id))?;
    print(&format!("message {id}: {fate}\n"));
    Ok(())
}
