//! Versions of workflows as the database knows them, and where runs of them stand.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row, postgres::PgRow};

use crate::{
    definition::{Definition, Obstacle},
    lifecycle::{self, Place, Standing},
};

use super::{
    Connection, During, RunId, StoreError,
    register::{END, START},
};

/// A stored version.
#[derive(Debug, Clone)]
pub struct StoredVersion {
    /// Its number in the database.
    pub id: i32,
    /// The workflow.
    pub name: String,
    /// The version.
    pub version: u32,
    /// The definition; `None`: this binary cannot read it.
    pub definition: Option<Definition>,
    /// The numbers of all nodes of this name, by id.
    numbers: HashMap<String, i16>,
}

/// Runs that stand at the same places of the same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standings {
    /// The number of the version in the database.
    pub version: i32,
    /// The numbers of the nodes that have been entered and have not settled.
    pub places: Vec<i16>,
    /// How many runs.
    pub runs: u64,
    /// Some of them.
    pub examples: Vec<RunId>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movable {
    /// The run.
    pub run: RunId,
    /// As in [`Standings`].
    pub places: Vec<i16>,
    /// A worker has a token of it.
    pub busy: bool,
}

impl StoredVersion {
    fn read(row: &PgRow) -> Self {
        let ids: Vec<String> = row.get("ids");
        Self {
            id: row.get("id"),
            name: row.get("name"),
            version: u32::try_from(row.get::<i32, _>("version")).unwrap_or_default(),
            definition: serde_json::from_str(row.get("definition")).ok(),
            numbers: ids.into_iter().zip(row.get::<Vec<i16>, _>("numbers")).collect(),
        }
    }

    /// The tokens that a run which stands at these places needs in another version beside those that it has there.
    ///
    /// # Errors
    /// Why it cannot move there, in words.
    pub fn plan(&self, to: &Definition, places: &[i16]) -> Result<Vec<Standing>, String> {
        let from = self.definition.as_ref().zip(self.places(places));
        let plan = from.map(|(from, at)| lifecycle::migrate(from, to, &at));
        plan.unwrap_or_else(|| Err([Obstacle::Unreadable].into())).map_err(|obstacles| {
            obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ")
        })
    }

    /// The places behind numbers; `None`: one is not of this version.
    fn places(&self, numbers: &[i16]) -> Option<BTreeSet<Place>> {
        let nodes = &self.definition.as_ref()?.nodes;
        let place = |number: &i16| match *number {
            START => Some(Place::Start),
            END => Some(Place::End),
            number => {
                let here = |id: &String| self.numbers.get(id) == Some(&number);
                nodes.iter().position(|n| here(&n.id)).map(Place::Node)
            }
        };
        numbers.iter().map(place).collect()
    }

    fn number(&self, standing: &Standing) -> i16 {
        let id = |node: usize| self.definition.as_ref().map(|d| d.nodes[node].id.as_str());
        let number = standing.at.node().and_then(id).and_then(|id| self.numbers.get(id));
        number.copied().unwrap_or(END)
    }
}

/// The versions with these numbers, and all versions of this name.
///
/// # Errors
/// [`StoreError`].
pub async fn stored(
    connection: &mut Connection<'_>,
    ids: &[i32],
    name: Option<&str>,
) -> Result<Vec<StoredVersion>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/workflow/stored.sql"))
        .bind(ids)
        .bind(name)
        .fetch_all(connection)
        .await
        .during("show stored versions")?;
    Ok(rows.iter().map(StoredVersion::read).collect())
}

/// Where all runs under way stand.
///
/// # Errors
/// [`StoreError`].
pub async fn standings(connection: &mut Connection<'_>) -> Result<Vec<Standings>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/standings.sql"))
        .fetch_all(connection)
        .await
        .during("say where runs stand")?;
    let standings = |row: &PgRow| Standings {
        version: row.get("workflow_id"),
        places: row.get::<Option<_>, _>("places").unwrap_or_default(),
        runs: u64::try_from(row.get::<i64, _>("runs")).unwrap_or_default(),
        examples: row.get::<Vec<i64>, _>("examples").into_iter().map(RunId).collect(),
    };
    Ok(rows.iter().map(standings).collect())
}

/// Up to `most` runs of a version under way, of those after `after`, by id.
///
/// # Errors
/// [`StoreError`].
pub async fn movable(
    connection: &mut Connection<'_>,
    version: i32,
    after: RunId,
    most: i64,
) -> Result<Vec<Movable>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/run/movable.sql"))
        .bind(version)
        .bind(after.0)
        .bind(most)
        .fetch_all(connection)
        .await
        .during("say where runs stand")?;
    let movable = |row: &PgRow| Movable {
        run: RunId(row.get("run_id")),
        places: row.get::<Option<_>, _>("places").unwrap_or_default(),
        busy: row.get("busy"),
    };
    Ok(rows.iter().map(movable).collect())
}

/// Moves runs that stand at these places to another version, in one transaction, and answers how many. `beside` are the
/// tokens that they need there beside those that they have. A run that a worker has in hand, or that has gone on, stays.
///
/// # Errors
/// [`StoreError`].
pub async fn migrate(
    connection: &mut Connection<'_>,
    runs: &[RunId],
    (from, to): (&StoredVersion, &StoredVersion),
    places: &[i16],
    beside: &[Standing],
    actor: &str,
) -> Result<u64, StoreError> {
    let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let rows = sqlx::query(include_str!("../../sql/run/migrate.sql"))
        .bind(runs.iter().map(|run| run.0).collect::<Vec<_>>())
        .bind(from.id)
        .bind(to.id)
        .bind(places)
        .bind(beside.iter().map(|s| to.number(s)).collect::<Vec<_>>())
        .bind(beside.iter().map(|s| s.at.is_pure()).collect::<Vec<_>>())
        .bind(beside.iter().map(|s| count(s.need)).collect::<Vec<_>>())
        .bind(beside.iter().map(|s| count(s.arrived)).collect::<Vec<_>>())
        .bind(actor.replace('\0', "\u{fffd}"))
        .fetch_all(connection)
        .await
        .during("move runs to another version")?;
    let moved = rows.iter().filter(|row| row.get::<&str, _>("answer") == "moved");
    Ok(u64::try_from(moved.count()).unwrap_or_default())
}
