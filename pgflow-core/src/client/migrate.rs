//! Moving runs under way to another version.

use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use serde::Serialize;

use crate::{
    definition::Obstacle,
    lifecycle::Standing,
    store::{
        RunId, StoreError,
        versions::{Movable, StoredVersion, migrate, movable, stored},
    },
};

use super::{Flow, check::examples};

/// Runs that one transaction moves.
const MOVED_AT_ONCE: i64 = 200;

/// Why no run was moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrationError {
    /// A version is not stored.
    #[error(
        "version {version} of `{workflow}` is not registered; stored are {known}; start a worker whose binary has it"
    )]
    Unknown {
        /// The workflow.
        workflow: String,
        /// The version.
        version: u32,
        /// The versions that are stored.
        known: String,
    },
    /// Both are the same.
    #[error("runs of `{workflow}` on version {version} are on version {version}; name another one")]
    Same {
        /// The workflow.
        workflow: String,
        /// The version.
        version: u32,
    },
    /// The database is not there. What was moved before stays moved.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of the runs under way of a version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Migration {
    /// Runs that were moved; in a dry run those that would be.
    pub moved: u64,
    /// Runs that a worker had in hand; the next call may find them at rest.
    pub busy: u64,
    /// Runs that stay, by reason.
    pub refused: Vec<Refused>,
}

/// Runs that cannot be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Refused {
    /// Why.
    pub reason: String,
    /// How many.
    pub runs: u64,
    /// Up to five of them.
    pub examples: Vec<RunId>,
}

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} moved", self.moved)?;
        if self.busy > 0 {
            write!(
                f,
                "\n{} busy: a worker has them in hand; repeat this, or pause them first",
                self.busy
            )?;
        }
        for refused in &self.refused {
            write!(f, "\n{refused}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, runs, examples: some } = self;
        write!(f, "{runs} stay ({}): {reason}", examples(some))
    }
}

/// Moving runs to another version, to be; await it for a [`Migration`].
#[must_use = "nothing is moved before this is awaited"]
pub struct Migrate {
    flow: Flow,
    workflow: String,
    from: u32,
    to: u32,
    actor: String,
    dry_run: bool,
}

impl Flow {
    /// Moves the runs under way of one version of a workflow to another one that is registered, where what they have begun
    /// is the same there: same nodes, same order before them, types of the same name. They keep their results, and what has
    /// changed behind them follows the new version. Each is written down with `actor`.
    ///
    /// A run of which a worker has something in hand is passed over, and counted: repeat the call, or pause such runs
    /// first. Runs that are started on the old version meanwhile are seen by a later call.
    pub fn migrate(&self, workflow: &str, from: u32, to: u32, actor: &str) -> Migrate {
        let (workflow, actor) = (workflow.into(), actor.into());
        Migrate { flow: self.clone(), workflow, from, to, actor, dry_run: false }
    }
}

impl Migrate {
    /// Only counts.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    async fn send(self) -> Result<Migration, MigrationError> {
        if self.from == self.to {
            return Err(MigrationError::Same { workflow: self.workflow, version: self.to });
        }
        let mut connection = self.flow.client().await?;
        let versions = stored(&mut connection, &[], Some(&self.workflow)).await?;
        let (from, to) = (self.version(&versions, self.from)?, self.version(&versions, self.to)?);
        let mut plans = Plans { from, to, known: BTreeMap::new() };
        let mut done = Migration::default();
        let mut last = RunId(i64::MIN);
        loop {
            let batch = movable(&mut connection, from.id, last, MOVED_AT_ONCE).await?;
            let Some(end) = batch.last() else { return Ok(done) };
            last = end.run;
            for (places, runs) in by_places(&batch) {
                let beside = match plans.of(places) {
                    Ok(beside) => beside,
                    Err(reason) => {
                        done.refuse(reason, &runs);
                        continue;
                    }
                };
                let at_rest: Vec<RunId> = runs.iter().filter(|r| !r.busy).map(|r| r.run).collect();
                let moved = if self.dry_run || at_rest.is_empty() {
                    count(at_rest.len())
                } else {
                    let between = (from, to);
                    migrate(&mut connection, &at_rest, between, places, beside, &self.actor).await?
                };
                done.moved += moved;
                done.busy += count(runs.len()) - moved;
            }
        }
    }

    fn version<'v>(
        &self,
        stored: &'v [StoredVersion],
        version: u32,
    ) -> Result<&'v StoredVersion, MigrationError> {
        stored.iter().find(|v| v.version == version).ok_or_else(|| {
            let known: Vec<String> = stored.iter().map(|v| v.version.to_string()).collect();
            let known = if known.is_empty() { "none".into() } else { known.join(", ") };
            MigrationError::Unknown { workflow: self.workflow.clone(), version, known }
        })
    }
}

impl IntoFuture for Migrate {
    type Output = Result<Migration, MigrationError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Migration {
    fn refuse(&mut self, reason: &str, runs: &[&Movable]) {
        let index = self.refused.iter().position(|r| r.reason == reason).unwrap_or_else(|| {
            self.refused.push(Refused { reason: reason.into(), runs: 0, examples: Vec::new() });
            self.refused.len() - 1
        });
        let refused = &mut self.refused[index];
        refused.runs += count(runs.len());
        let room = 5_usize.saturating_sub(refused.examples.len());
        refused.examples.extend(runs.iter().take(room).map(|r| r.run));
    }
}

/// What was decided for runs that stand at the same places.
struct Plans<'v> {
    from: &'v StoredVersion,
    to: &'v StoredVersion,
    known: BTreeMap<Vec<i16>, Result<Vec<Standing>, String>>,
}

impl Plans<'_> {
    fn of(&mut self, places: &[i16]) -> Result<&[Standing], &str> {
        let Self { from, to, known } = self;
        let plan = known.entry(places.to_vec()).or_insert_with(|| {
            let to = to.definition.as_ref().ok_or_else(|| Obstacle::Unreadable.to_string())?;
            from.plan(to, places)
        });
        plan.as_deref().map_err(String::as_str)
    }
}

fn by_places(batch: &[Movable]) -> BTreeMap<&[i16], Vec<&Movable>> {
    let mut groups: BTreeMap<&[i16], Vec<&Movable>> = BTreeMap::new();
    for run in batch {
        groups.entry(&run.places).or_default().push(run);
    }
    groups
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
