//! A service in a process of its own, and what it used.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use pgflow::Flow;

use super::{Failures, Mode, Plan};
use crate::LearningError;
use crate::broadway::PANICKED;
use crate::pipeline::learning::engine;
use crate::pipeline::{ENABLED, STEPS};

/// Ticks of the kernel's accounting a second, the same on every Linux of today.
const TICKS: f64 = 100.0;

/// A service; killed when dropped.
pub(super) struct Process {
    child: Child,
    failures: Arc<Mutex<Failures>>,
}

/// What a process used.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    pub cpu_seconds: f64,
    pub memory_mib: f64,
}

impl Process {
    pub fn start(plan: &Plan, mode: Mode, url: &str) -> Result<Self, LearningError> {
        let at_once = plan.at_once.to_string();
        let mut command = Command::new(&plan.program);
        command.args(["work", "--device", "cpu", "--processors", &at_once]);
        command.args(["--hidden", &plan.hidden.to_string()]);
        command.arg("--validator").arg(validator(plan)?);
        command.env(ENABLED, (mode == Mode::Pgflow).to_string()).env("DATABASE_URL", url);
        command.env("ARCHITECTURE_WORKFLOW_CONCURRENCY", at_once);
        command.env("ARCHLEARN_DATA_DIR", &plan.data);
        let spawned = command.stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(LearningError::read(&plan.program))?;
        let failures = Arc::<Mutex<Failures>>::default();
        if let Some(stderr) = child.stderr.take() {
            let failures = failures.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    // poison fails too, and is counted apart
                    if let Some(failure) = failure(&line).filter(|_| !line.contains("not there")) {
                        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                        *failures.entry(failure).or_default() += 1;
                    }
                }
            });
        }
        Ok(Self { child, failures })
    }

    /// Waits until its worker is there, which either mode has.
    pub async fn ready(&mut self, flow: &Flow) -> Result<(), LearningError> {
        while flow.served().await.map_err(engine("wait for the service"))?.is_empty() {
            let ended = self.child.try_wait().map_err(LearningError::read(Path::new("work")))?;
            if let Some(status) = ended {
                return Err(LearningError::Validator {
                    status: status.to_string(),
                    stderr: "it ended before it worked".to_owned(),
                    command: "archlearn work".to_owned(),
                });
            }
            tokio::time::sleep(super::LOOK).await;
        }
        Ok(())
    }

    /// Messages that failed, by its own words.
    pub fn failures(&self) -> Failures {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it used; then it is told to stop.
    pub fn stop(mut self) -> Result<Usage, LearningError> {
        let proc = PathBuf::from("/proc").join(self.child.id().to_string());
        let read = |name: &str| {
            let path = proc.join(name);
            fs::read_to_string(&path).map_err(LearningError::read(&path))
        };
        let usage = Usage {
            cpu_seconds: cpu_seconds(&read("stat")?),
            memory_mib: peak_mib(&read("status")?),
        };
        let id = self.child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        told.and_then(|_| self.child.wait()).map_err(LearningError::read(&proc))?;
        Ok(usage)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The step and the kind of a failure in legacy mode, out of what it says of a message.
fn failure(line: &str) -> Option<(Option<String>, String)> {
    let (_, reason) = line.strip_prefix("message ")?.split_once(" failed: ")?;
    let step = STEPS
        .into_iter()
        .find(|step| reason.strip_prefix(step).is_some_and(|rest| rest.starts_with(": ")));
    let kind = if reason == PANICKED { "panicked" } else { "failed" };
    Some((step.map(str::to_owned), kind.to_owned()))
}

/// User and system time of a process and of its children that ended.
fn cpu_seconds(stat: &str) -> f64 {
    // the name, in parentheses, may hold spaces
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS
}

fn peak_mib(status: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

/// A program that validates as this one does, but of which every so many calls one fails.
fn validator(plan: &Plan) -> Result<PathBuf, LearningError> {
    let path = plan.data.join("validator");
    let text = format!(
        "#!/bin/sh\nset -e\necho >> \"$0.calls\"\nn=$(wc -l < \"$0.calls\")\n\
         if [ {every} -gt 0 ] && [ $((n % {every})) -eq 0 ]; then echo injected >&2; exit 1; fi\n\
         exec \"{program}\" \"$@\"\n",
        every = plan.fail_every,
        program = plan.program.display(),
    );
    let write = || {
        let _ = fs::remove_file(path.with_extension("calls"));
        let mut file = fs::File::create(&path)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::Permissions::from_mode(0o700))
    };
    write().map_err(LearningError::write(&path))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_apart_by_step_and_kind() {
        let told = |line: &str| failure(line).map(|(step, kind)| (step.unwrap_or_default(), kind));
        let some = |step: &str, kind: &str| Some((step.to_owned(), kind.to_owned()));
        assert_eq!(
            told("message 3 failed: model_validation: the validating process failed"),
            some("model_validation", "failed")
        );
        assert_eq!(told("message 3 failed: the handler panicked"), some("", "panicked"));
        assert_eq!(told("message 3 failed: no Rust codebase in `x`"), some("", "failed"));
        assert_eq!(told("message 3 done"), None);
        assert_eq!(told("the queue did not read: it failed: "), None);
    }

    #[test]
    fn usage_is_read_as_the_kernel_writes_it() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 8 0 1 1 1";
        assert!((cpu_seconds(stat) - 2.5).abs() < 1e-9);
        assert!((peak_mib("Name:\tx\nVmHWM:\t    2048 kB\n") - 2.0).abs() < 1e-9);
    }
}
