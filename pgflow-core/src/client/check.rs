//! What a new binary would mean for the runs under way.

use std::fmt;

use serde::Serialize;

use crate::{
    definition::{Definition, Obstacle, differences, retyped},
    store::{
        Connection, RunId, StoreError,
        migrate::{self, MigrateError},
        versions::{Standings, StoredVersion, standings, stored},
    },
};

use super::{Connect, Flow, OpenError};

/// What becomes of the runs under way where only a certain set of definitions is served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// Every version that has runs under way, by name.
    pub versions: Vec<VersionCheck>,
}

/// The runs under way of one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct VersionCheck {
    /// The workflow.
    pub workflow: String,
    /// The version.
    pub version: u32,
    /// How many runs are under way.
    pub runs: u64,
    /// What becomes of them; one prospect each.
    pub prospects: Vec<Prospect>,
}

/// What becomes of some runs of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Prospect {
    /// In a word.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// How many runs.
    pub runs: u64,
    /// Up to five of them.
    pub examples: Vec<RunId>,
}

/// What becomes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on as it is.
    Served,
    /// It can be moved to this version, which is served.
    Movable(u32),
    /// It goes on only where a binary with its version is kept.
    NeedsOld,
}

impl Check {
    /// How many runs would stand still unless a binary with their version is kept.
    pub fn stranded(&self) -> u64 {
        let prospects = self.versions.iter().flat_map(|v| &v.prospects);
        prospects.filter(|p| p.verdict == Verdict::NeedsOld).map(|p| p.runs).sum()
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.versions.is_empty() {
            return f.write_str("no run is under way");
        }
        for (i, version) in self.versions.iter().enumerate() {
            let line = if i == 0 { "" } else { "\n" };
            let VersionCheck { workflow, version, runs, prospects } = version;
            write!(f, "{line}`{workflow}` version {version}: {runs} under way")?;
            for prospect in prospects {
                write!(f, "\n  {prospect}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Prospect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.verdict {
            Verdict::Served => "served".into(),
            Verdict::Movable(version) => format!("movable to version {version}"),
            Verdict::NeedsOld => format!("need the old binary ({})", examples(&self.examples)),
        };
        write!(f, "{} {what}: {}", self.runs, self.reason)
    }
}

/// Some runs by id, as `run 4` or `runs 4, 7`.
pub(super) fn examples(runs: &[RunId]) -> String {
    let ids: Vec<String> = runs.iter().map(ToString::to_string).collect();
    format!("run{} {}", if ids.len() == 1 { "" } else { "s" }, ids.join(", "))
}

impl Flow {
    /// What becomes of the runs under way once only these definitions are served; those of this binary are
    /// [`definitions`](crate::registry::definitions). Registers nothing; with [`Connect::as_it_is`](super::Connect::as_it_is)
    /// the schema stays as it is too.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn check(&self, served: &[Definition]) -> Result<Check, StoreError> {
        check(&mut self.client().await?, served).await
    }
}

impl Connect {
    /// What [`Flow::check`] says, where the schema may be missing or older than this binary, and stays as it is: so a binary
    /// is checked before its first worker brings the schema up to date.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn check(self, served: &[Definition]) -> Result<Check, OpenError> {
        // the private server lives as long as this
        let (endpoint, server) = self.endpoint().await?;
        let from_environment = self.is_from_environment(server.as_ref());
        let first = endpoint.first().await;
        let mut connection = first.map_err(|error| Self::blame(from_environment, error.into()))?;
        match migrate::check(&mut connection).await {
            Ok(()) | Err(MigrateError::Behind { .. }) => {}
            Err(MigrateError::Missing) => return Ok(Check { versions: Vec::new() }),
            Err(error) => return Err(error.into()),
        }
        let check = check(&mut connection, served).await.map_err(MigrateError::from)?;
        let _ = connection.close().await;
        Ok(check)
    }
}

/// Reads only what every schema has.
async fn check(
    connection: &mut Connection<'_>,
    served: &[Definition],
) -> Result<Check, StoreError> {
    let standings = standings(connection).await?;
    let ids: Vec<i32> = standings.iter().map(|s| s.version).collect();
    let versions = stored(connection, &ids, None).await?;
    let check = |version: &StoredVersion| {
        let mut prospects = Vec::<Prospect>::new();
        let own = standings.iter().filter(|s| s.version == version.id);
        for prospect in own.map(|standings| prospect(version, standings, served)) {
            match prospects
                .iter_mut()
                .find(|p| p.verdict == prospect.verdict && p.reason == prospect.reason)
            {
                Some(same) => same.add(prospect),
                None => prospects.push(prospect),
            }
        }
        let runs = prospects.iter().map(|p| p.runs).sum();
        VersionCheck { workflow: version.name.clone(), version: version.version, runs, prospects }
    };
    Ok(Check { versions: versions.iter().map(check).collect() })
}

impl Prospect {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.examples.extend(other.examples);
        self.examples.truncate(5);
    }
}

fn prospect(version: &StoredVersion, standings: &Standings, served: &[Definition]) -> Prospect {
    let (verdict, reason) = judge(version, &standings.places, served);
    Prospect { verdict, reason, runs: standings.runs, examples: standings.examples.clone() }
}

fn judge(version: &StoredVersion, places: &[i16], served: &[Definition]) -> (Verdict, String) {
    let namesakes = served.iter().filter(|d| d.name == version.name);
    if let Some(same) = namesakes.clone().find(|d| d.version == version.version) {
        return same_version(version, same);
    }
    let Some(newest) = namesakes.max_by_key(|d| d.version) else {
        return (Verdict::NeedsOld, "no version of this workflow is served".into());
    };
    match version.plan(newest, places) {
        Ok(_) => {
            let reason = format!("what they have begun is the same in version {}", newest.version);
            (Verdict::Movable(newest.version), reason)
        }
        Err(reason) => {
            (Verdict::NeedsOld, format!("to move to version {}: {reason}", newest.version))
        }
    }
}

fn same_version(version: &StoredVersion, served: &Definition) -> (Verdict, String) {
    let Some(stored) = &version.definition else {
        return (Verdict::NeedsOld, Obstacle::Unreadable.to_string());
    };
    let shape = differences(stored, served);
    if !shape.is_empty() {
        let reason =
            format!("the database refuses another shape under this version: {}", shape.join("; "));
        return (Verdict::NeedsOld, reason);
    }
    let types = retyped(stored, served);
    let reason = if types.is_empty() {
        "this version is served".into()
    } else {
        format!(
            "this version is served, but what they have stored must still decode: {}",
            types.join("; ")
        )
    };
    (Verdict::Served, reason)
}
