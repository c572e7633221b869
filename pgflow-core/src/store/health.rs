//! What a doctor looks at: the server, the schema's tables, who waits and who is dead.

use std::time::Duration;

use sqlx::{Row, postgres::PgRow};

use super::{Connection, During, StoreError, count, duration, millis, stamp::Stamp};

/// The server and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// As it says it.
    pub version: String,
    /// As in 17.
    pub major: i32,
    /// Settings that are off and must be on, with the statement that turns each on.
    pub off: Vec<(String, String)>,
    /// The most connections that it takes.
    pub connections: i32,
    /// Those that are open.
    pub connected: i32,
    /// It follows another one and takes no writes.
    pub standby: bool,
}

/// The server and its settings.
///
/// # Errors
/// [`StoreError`].
pub async fn server(connection: &mut Connection<'_>) -> Result<Server, StoreError> {
    let row = sqlx::query(include_str!("../../sql/health/server.sql"))
        .fetch_one(connection)
        .await
        .during("show its settings")?;
    let names: Vec<String> = row.get("off");
    let sources: Vec<String> = row.get("sources");
    let remedy = |name: &str, source: &str| match source {
        "database" => {
            format!("alter database {} reset {name};", row.get::<String, _>("database"))
        }
        "user" | "database user" => {
            format!("alter role {} reset {name};", row.get::<String, _>("role"))
        }
        _ => format!("alter system set {name} = on; select pg_reload_conf();"),
    };
    let off = names.iter().zip(&sources);
    Ok(Server {
        version: row.get("version"),
        major: row.get("major"),
        off: off.map(|(name, source)| (name.clone(), remedy(name, source))).collect(),
        connections: row.get("connections"),
        connected: row.get("connected"),
        standby: row.get("standby"),
    })
}

/// Something that keeps dead rows from being removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Process, prepared transaction or replication slot.
    pub who: String,
    /// For how long, where the server says it.
    pub age: Option<Duration>,
    /// Else over how many transactions.
    pub transactions: Option<u64>,
    /// What ends it.
    pub remedy: String,
}

/// What has kept dead rows of this database from being removed for so long, or over so many transactions.
///
/// # Errors
/// [`StoreError`].
pub async fn pinned(
    connection: &mut Connection<'_>,
    older_than: Duration,
    transactions: u32,
) -> Result<Vec<Pin>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/health/pinned.sql"))
        .bind(millis(older_than))
        .bind(i64::from(transactions))
        .fetch_all(connection)
        .await
        .during("list its transactions")?;
    let pin = |row: &PgRow| Pin {
        who: row.get("who"),
        age: row.get::<Option<i64>, _>("age_ms").map(duration),
        transactions: row.get::<Option<i64>, _>("transactions").and_then(|n| u64::try_from(n).ok()),
        remedy: row.get("remedy"),
    };
    Ok(rows.iter().map(pin).collect())
}

/// Sessions that keep dead rows right now, and of which the role of this name may not see since when.
///
/// # Errors
/// [`StoreError`].
pub async fn unseen(connection: &mut Connection<'_>) -> Result<(u64, String), StoreError> {
    let row = sqlx::query(include_str!("../../sql/health/unseen.sql"))
        .fetch_one(connection)
        .await
        .during("count its transactions")?;
    Ok((count(&row, "sessions"), row.get("role")))
}

/// The most tasks of a queue that are counted.
pub const COUNTED: u64 = 1_000;

/// A queue in which something is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The workflow and its version, as `name@version`.
    pub version: String,
    /// The id of the node.
    pub node: String,
    /// The run of the task that is next.
    pub run: i64,
    /// How long that has been ready.
    pub age: Duration,
    /// Ready tasks, up to [`COUNTED`].
    pub tasks: u64,
    /// Live workers that have the version.
    pub servers: i32,
    /// Why none of them can run it.
    pub refusal: Option<String>,
}

/// The queues in which something is ready, the oldest first.
///
/// # Errors
/// [`StoreError`].
pub async fn waiting(connection: &mut Connection<'_>) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/health/waiting.sql"))
        .bind(i64::try_from(COUNTED).unwrap_or(i64::MAX))
        .fetch_all(connection)
        .await
        .during("list what is ready")?;
    let waiting = |row: &PgRow| Waiting {
        version: row.get("version"),
        node: row.get("node"),
        run: row.get("run_id"),
        age: duration(row.get("age_ms")),
        tasks: count(row, "tasks"),
        servers: row.get("servers"),
        refusal: row.get("refusal"),
    };
    Ok(rows.iter().map(waiting).collect())
}

/// A worker whose lease ran out and who still holds something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Its name.
    pub name: String,
    /// For how long.
    pub age: Duration,
    /// Tasks that it holds.
    pub tasks: u64,
    /// Slots of limits that it holds.
    pub slots: u64,
}

/// Workers whose lease ran out and who still hold something.
///
/// # Errors
/// [`StoreError`].
pub async fn dead(connection: &mut Connection<'_>) -> Result<Vec<Dead>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/health/dead.sql"))
        .fetch_all(connection)
        .await
        .during("list dead workers")?;
    let dead = |row: &PgRow| Dead {
        name: row.get("name"),
        age: duration(row.get("age_ms")),
        tasks: count(row, "tasks"),
        slots: count(row, "slots"),
    };
    Ok(rows.iter().map(dead).collect())
}

/// Live workers, the database's time, and whether there is anything to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alive {
    /// Their names.
    pub workers: Vec<String>,
    /// The time by `pgflow.clock()`.
    pub at: Stamp,
    /// A live run is there.
    pub work: bool,
}

/// Live workers, the database's time, and whether there is anything to do.
///
/// # Errors
/// [`StoreError`].
pub async fn alive(connection: &mut Connection<'_>) -> Result<Alive, StoreError> {
    let row = sqlx::query(include_str!("../../sql/health/alive.sql"))
        .fetch_one(connection)
        .await
        .during("list live workers")?;
    Ok(Alive { workers: row.get("workers"), at: row.get("at"), work: row.get("work") })
}

/// A table of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Rows.
    pub live: u64,
    /// Rows that are dead and not removed yet.
    pub dead: u64,
    /// Its size on disk with its indexes, for people.
    pub size: String,
    /// Autovacuum may not touch it.
    pub excluded: bool,
}

/// The tables of the schema, those with the most dead rows first.
///
/// # Errors
/// [`StoreError`].
pub async fn tables(connection: &mut Connection<'_>) -> Result<Vec<Table>, StoreError> {
    let rows = sqlx::query(include_str!("../../sql/health/tables.sql"))
        .fetch_all(connection)
        .await
        .during("show its tables")?;
    let table = |row: &PgRow| Table {
        name: row.get("name"),
        live: count(row, "live"),
        dead: count(row, "dead"),
        size: row.get("size"),
        excluded: row.get("excluded"),
    };
    Ok(rows.iter().map(table).collect())
}
