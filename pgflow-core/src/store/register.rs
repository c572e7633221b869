//! Storing definitions, and the numbers that tokens carry: node, queue and pool.

use std::collections::HashMap;

use sqlx::Row;

use crate::definition::{Definition, Node, NodeKind, differences};

use super::{Connection, During, StoreError};

/// Number of the place before the roots.
pub const START: i16 = 0;
/// Number of the place behind the sinks.
pub const END: i16 = -1;

/// Why a definition cannot be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The version is there with another shape.
    #[error("workflow `{name}` version {version} is stored with another shape; write `version = {}` for the new one:\n{}", .version + 1, .differences.join("\n"))]
    Changed {
        /// The workflow.
        name: String,
        /// The version.
        version: u32,
        /// The differences, a line each.
        differences: Vec<String>,
    },
    /// More nodes than numbers over all versions.
    #[error(
        "workflow `{0}` has used up its 32767 node numbers over all versions; give it a new name"
    )]
    NumbersUsedUp(String),
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The numbers of a registered version.
#[derive(Debug, Clone)]
pub struct Numbers {
    /// The workflow's id.
    pub workflow_id: i32,
    /// Node numbers by index.
    pub nodes: Vec<i16>,
    /// Queues of tasks, and of waits that are over, by index.
    pub tasks: Vec<i32>,
    /// Queues of pure code by node number: what is evaluated on entering, start and end.
    pub control: HashMap<i16, i32>,
    /// Pools by name.
    pub pools: HashMap<String, i32>,
}

/// A pool that a definition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSize {
    /// Its name, as in `step:train`.
    pub name: String,
    /// How many hold a slot at once.
    pub size: u32,
    /// The size is an operator's, with where it came from, and wins over what definitions declare.
    pub source: Option<String>,
}

/// The pools of a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pools {
    /// Those that it declares, or that this process's tuning makes.
    pub sizes: Vec<PoolSize>,
    /// The names of all that somebody's tuning may have made.
    pub tunable: Vec<String>,
    /// Where this process's tuning comes from.
    pub origin: Option<String>,
}

/// Stores a definition, or agrees with the stored one. Two processes at once: one stores, the other agrees.
///
/// # Errors
/// See [`RegisterError`].
pub async fn register(
    connection: &mut Connection<'_>,
    definition: &Definition,
    pools: &Pools,
) -> Result<Numbers, RegisterError> {
    let mut begun = connection.begin().await.during("begin a registration")?;
    let mut tx = Connection::within(&mut begun);
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('pgflow.workflow.' || $1, 0))")
        .bind(&definition.name)
        .execute(&mut tx)
        .await
        .during("lock a workflow's name")?;
    let (workflow_id, newest) = store_definition(&mut tx, definition).await?;
    let nodes = number_nodes(&mut tx, definition).await?;
    let (tasks, control) = number_queues(&mut tx, definition, workflow_id, &nodes).await?;
    let mut ids = size_pools(&mut tx, &pools.sizes, newest, pools.origin.as_deref()).await?;
    ids.extend(find_pools(&mut tx, &pools.tunable).await?);
    begun.commit().await.during("commit a registration")?;
    Ok(Numbers { workflow_id, nodes, tasks, control, pools: ids })
}

/// The id, and whether no newer version is stored, whose limits would win.
async fn store_definition(
    tx: &mut Connection<'_>,
    definition: &Definition,
) -> Result<(i32, bool), RegisterError> {
    let version = i32::try_from(definition.version).unwrap_or(i32::MAX);
    let text = serde_json::to_string(definition).unwrap_or_default();
    let row = sqlx::query(include_str!("../../sql/workflow/store_definition.sql"))
        .bind(&definition.name)
        .bind(version)
        .bind(&definition.fingerprint)
        .bind(&text)
        .fetch_one(&mut *tx)
        .await
        .during("store a definition")?;
    if row.get::<String, _>("fingerprint") != definition.fingerprint {
        let stored: Option<Definition> =
            serde_json::from_str(&row.get::<String, _>("definition")).ok();
        return Err(RegisterError::Changed {
            name: definition.name.clone(),
            version: definition.version,
            differences: stored.map(|s| differences(&s, definition)).unwrap_or_default(),
        });
    }
    Ok((row.get("id"), row.get("newest")))
}

async fn number_nodes(
    tx: &mut Connection<'_>,
    definition: &Definition,
) -> Result<Vec<i16>, RegisterError> {
    let ids: Vec<&str> = definition.nodes.iter().map(|n| n.id.as_str()).collect();
    let rows = sqlx::query(include_str!("../../sql/workflow/number_nodes.sql"))
        .bind(&definition.name)
        .bind(&ids)
        .fetch_all(&mut *tx)
        .await
        .map_err(|source| {
            match source.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
                Some("22003") => RegisterError::NumbersUsedUp(definition.name.clone()),
                _ => StoreError { operation: "number nodes", source }.into(),
            }
        })?;
    let numbers: HashMap<String, i16> =
        rows.iter().map(|r| (r.get("id"), r.get("number"))).collect();
    Ok(ids.iter().filter_map(|id| numbers.get(*id).copied()).collect())
}

async fn number_queues(
    tx: &mut Connection<'_>,
    definition: &Definition,
    workflow_id: i32,
    nodes: &[i16],
) -> Result<(Vec<i32>, HashMap<i16, i32>), StoreError> {
    let pure = |n: &Node| n.kind != NodeKind::Step || n.condition.is_some();
    let entered = definition.nodes.iter().zip(nodes).filter(|(node, _)| pure(node));
    let control: Vec<i16> = entered.map(|(_, number)| *number).chain([START, END]).collect();
    let wanted: Vec<(i16, bool)> =
        nodes.iter().map(|n| (*n, false)).chain(control.iter().map(|n| (*n, true))).collect();
    let rows = sqlx::query(include_str!("../../sql/workflow/number_queues.sql"))
        .bind(workflow_id)
        .bind(wanted.iter().map(|(n, _)| *n).collect::<Vec<_>>())
        .bind(wanted.iter().map(|(_, c)| *c).collect::<Vec<_>>())
        .fetch_all(&mut *tx)
        .await
        .during("number queues")?;
    let queues: HashMap<(i16, bool), i32> =
        rows.iter().map(|r| ((r.get("node"), r.get("control")), r.get("id"))).collect();
    let tasks = nodes.iter().filter_map(|n| queues.get(&(*n, false)).copied()).collect();
    let control = control.iter().filter_map(|n| Some((*n, *queues.get(&(*n, true))?))).collect();
    Ok((tasks, control))
}

/// Makes pools as large as asked, smaller ones at once for new claims; rows beyond the size are retired when free.
///
/// # Errors
/// [`StoreError`].
pub async fn size_pools(
    tx: &mut Connection<'_>,
    pools: &[PoolSize],
    declare: bool,
    origin: Option<&str>,
) -> Result<HashMap<String, i32>, StoreError> {
    let mut sorted: Vec<&PoolSize> = pools.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut ids = HashMap::new();
    for pool in sorted {
        let size = i32::try_from(pool.size).unwrap_or(i32::MAX);
        let id: i32 = sqlx::query_scalar(include_str!("../../sql/workflow/size_pool.sql"))
            .bind(&pool.name)
            .bind(size)
            .bind(&pool.source)
            .bind(declare)
            .bind(origin)
            .fetch_one(&mut *tx)
            .await
            .during("size a pool")?;
        sqlx::query(include_str!("../../sql/workflow/make_slots.sql"))
            .bind(id)
            .execute(&mut *tx)
            .await
            .during("make slots")?;
        ids.insert(pool.name.clone(), id);
    }
    Ok(ids)
}

async fn find_pools(
    tx: &mut Connection<'_>,
    names: &[String],
) -> Result<HashMap<String, i32>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/workflow/find_pools.sql"))
        .bind(names)
        .fetch_all(&mut *tx)
        .await
        .during("find pools")?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("id"))).collect())
}
