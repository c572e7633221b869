//! A service in a process of its own, and what it used.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pgflow::Flow;

use super::{Mode, Plan};
use crate::LearningError;
use crate::pipeline::ENABLED;
use crate::pipeline::learning::engine;

/// Ticks of the kernel's accounting a second, the same on every Linux of today.
const TICKS: f64 = 100.0;

/// A service; killed when dropped.
pub(super) struct Process {
    child: Child,
    failures: Arc<AtomicUsize>,
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
        let failures = Arc::new(AtomicUsize::new(0));
        if let Some(stderr) = child.stderr.take() {
            let failures = failures.clone();
            let failed = |line: &String| line.starts_with("message ") && line.contains(" failed: ");
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok).filter(failed) {
                    // poison fails too, and is counted apart
                    if !line.contains("not there") {
                        failures.fetch_add(1, Ordering::Relaxed);
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
    pub fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
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
    fn usage_is_read_as_the_kernel_writes_it() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 1 2 3 4 150 50 20 30 20 0 8 0 1 1 1";
        assert!((cpu_seconds(stat) - 2.5).abs() < 1e-9);
        assert!((peak_mib("Name:\tx\nVmHWM:\t    2048 kB\n") - 2.0).abs() < 1e-9);
    }
}
