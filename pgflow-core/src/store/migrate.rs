//! The schema `pgflow` and its migrations. The library's own migrator, because sqlx's would share its table with the
//! host's migrations.

use sha2::{Digest, Sha256};
use sqlx::Row;

use super::{Connection, During, StoreError};

/// Number, name and text of each migration, in order.
const MIGRATIONS: &[(i32, &str, &str)] = &[
    (1, "tables", include_str!("../../migrations/0001_tables.sql")),
    (2, "functions", include_str!("../../migrations/0002_functions.sql")),
    (3, "waits", include_str!("../../migrations/0003_waits.sql")),
    (4, "schedules", include_str!("../../migrations/0004_schedules.sql")),
    (5, "cache", include_str!("../../migrations/0005_cache.sql")),
    (6, "retention", include_str!("../../migrations/0006_retention.sql")),
    (7, "views", include_str!("../../migrations/0007_views.sql")),
    (8, "versions", include_str!("../../migrations/0008_versions.sql")),
    (9, "why", include_str!("../../migrations/0009_why.sql")),
    (10, "messages", include_str!("../../migrations/0010_messages.sql")),
    (11, "alerts", include_str!("../../migrations/0011_alerts.sql")),
    (12, "traces", include_str!("../../migrations/0012_traces.sql")),
    (13, "logs", include_str!("../../migrations/0013_logs.sql")),
    (14, "minutes", include_str!("../../migrations/0014_minutes.sql")),
    (15, "audits", include_str!("../../migrations/0015_audits.sql")),
];

/// The newest schema, the one that this binary speaks.
pub const SCHEMA: i32 = 15;
/// The oldest schema number whose binaries may work with the newest schema.
const COMPATIBLE: i32 = 2;
/// Key of the advisory lock that migrating processes take.
const LOCK: i64 = 0x7067_666c_6f77;

/// Why the schema is not what this binary needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// Somebody else's schema has our name.
    #[error(
        "schema `pgflow` exists but is not this library's (the TypeScript project of the same name uses it too); drop or rename it, or use another database"
    )]
    Foreign,
    /// The database is ahead.
    #[error(
        "the database has schema {found}, which binaries older than schema {compatible} may not use, and this one speaks {SCHEMA}; update this binary"
    )]
    TooNew {
        /// The schema there.
        found: i32,
        /// The oldest that may use it.
        compatible: i32,
    },
    /// There is no schema, and this connection was not to make it.
    #[error(
        "the database has no schema `pgflow`; a worker makes it when it starts, and so does whatever else starts runs"
    )]
    Missing,
    /// The schema is older, and this connection was not to change it.
    #[error(
        "the database has schema {found} and this binary speaks {SCHEMA}; start a worker of this version, which brings it up to date"
    )]
    Behind {
        /// The schema there.
        found: i32,
    },
    /// An applied migration has another text here.
    #[error(
        "migration {number} `{name}` was applied with another text; use the binary that made this database, or another database"
    )]
    Edited {
        /// Its number.
        number: i32,
        /// Its name.
        name: &'static str,
    },
    /// The role may not create the schema.
    #[error(
        "role `{role}` may not migrate this database; run once as its owner, or: grant create on database {database} to {role}"
    )]
    Forbidden {
        /// The role.
        role: String,
        /// The database.
        database: String,
        /// The server's words.
        source: sqlx::Error,
    },
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names the texts of the migrations: where one differs, so does this.
pub fn digest() -> String {
    let mut digest = Sha256::new();
    for (.., text) in MIGRATIONS {
        digest.update(checksum(text));
    }
    let first = digest.finalize().iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    format!("{first:016x}")
}

/// Brings the schema up to this binary. Many processes may call it at once: one migrates, the others agree.
///
/// # Errors
/// See [`MigrateError`].
pub async fn migrate(connection: &mut Connection<'_>) -> Result<(), MigrateError> {
    if up_to_date(connection).await? {
        return Ok(());
    }
    let mut begun = connection.begin().await.during("begin a migration")?;
    let mut tx = Connection::within(&mut begun);
    sqlx::raw_sql("set local statement_timeout = 0")
        .execute(&mut tx)
        .await
        .during("give a migration time")?;
    lock_schema(&mut tx).await?;
    let applied = applied(&mut tx).await?;
    unedited(&applied)?;
    for (number, name, text) in MIGRATIONS {
        if applied.iter().all(|(n, _)| n != number) {
            apply(&mut tx, *number, name, text).await?;
        }
    }
    begun.commit().await.during("commit the migrations")?;
    Ok(())
}

/// Looks whether the schema is there and new enough, and changes nothing.
///
/// # Errors
/// See [`MigrateError`].
pub async fn check(connection: &mut Connection<'_>) -> Result<(), MigrateError> {
    if up_to_date(connection).await? {
        return Ok(());
    }
    let applied = sqlx::query_scalar("select to_regclass('pgflow.meta') is not null");
    if !applied.fetch_one(&mut *connection).await.during("show its schemas")? {
        return Err(MigrateError::Missing);
    }
    let found = sqlx::query_scalar("select schema from pgflow.meta");
    let found = found.fetch_one(connection).await.during("show its schema number")?;
    Err(MigrateError::Behind { found })
}

/// Waits until no other process changes a schema of ours, in the caller's transaction.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn lock_schema(tx: &mut Connection<'_>) -> Result<(), StoreError> {
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(tx)
        .await
        .during("lock the schema")?;
    Ok(())
}

/// Cheap check without locks; also refuses what is not ours or is too new.
async fn up_to_date(connection: &mut Connection<'_>) -> Result<bool, MigrateError> {
    let row = sqlx::query(
        "select to_regnamespace('pgflow') is not null as present, \
         to_regclass('pgflow.meta') is not null and to_regclass('pgflow.migration') is not null as ours",
    )
    .fetch_one(&mut *connection)
    .await
    .during("show its schemas")?;
    match (row.get::<bool, _>("present"), row.get::<bool, _>("ours")) {
        (false, _) => return Ok(false),
        (true, false) => return Err(MigrateError::Foreign),
        (true, true) => {}
    }
    let meta = sqlx::query("select schema, compatible from pgflow.meta")
        .fetch_optional(&mut *connection)
        .await
        .during("show its schema number")?
        .ok_or(MigrateError::Foreign)?;
    let (found, compatible): (i32, i32) = (meta.get("schema"), meta.get("compatible"));
    if found > SCHEMA && compatible > SCHEMA {
        return Err(MigrateError::TooNew { found, compatible });
    }
    if found >= SCHEMA {
        unedited(&applied_rows(connection).await?)?;
    }
    Ok(found >= SCHEMA)
}

/// Refuses a database that was made by other texts of the same numbers.
fn unedited(applied: &[(i32, Vec<u8>)]) -> Result<(), MigrateError> {
    let edited = |(number, _, text): &&(i32, &'static str, &'static str)| {
        applied.iter().any(|(n, sum)| n == number && *sum != checksum(text))
    };
    match MIGRATIONS.iter().find(edited) {
        Some((number, name, _)) => Err(MigrateError::Edited { number: *number, name }),
        None => Ok(()),
    }
}

async fn applied_rows(connection: &mut Connection<'_>) -> Result<Vec<(i32, Vec<u8>)>, StoreError> {
    let rows = sqlx::query("select number, checksum from pgflow.migration")
        .fetch_all(connection)
        .await
        .during("list the migrations")?;
    Ok(rows.iter().map(|r| (r.get("number"), r.get("checksum"))).collect())
}

/// What has been applied, made sure under the lock; creates the schema where there is none.
async fn applied(tx: &mut Connection<'_>) -> Result<Vec<(i32, Vec<u8>)>, MigrateError> {
    let present: bool = sqlx::query_scalar("select to_regclass('pgflow.migration') is not null")
        .fetch_one(&mut *tx)
        .await
        .during("show its schemas")?;
    if !present {
        create_schema(tx).await?;
    }
    Ok(applied_rows(tx).await?)
}

async fn create_schema(tx: &mut Connection<'_>) -> Result<(), MigrateError> {
    let who =
        sqlx::query("select current_user::text as role, current_database()::text as database")
            .fetch_one(&mut *tx)
            .await
            .during("say who is connected")?;
    for statement in [
        "create schema pgflow",
        "create table pgflow.migration (number int primary key, name text not null, checksum bytea not null, \
         applied_at timestamptz not null default now())",
    ] {
        sqlx::query(statement).execute(&mut *tx).await.map_err(|source| {
            match source.as_database_error() {
                Some(e) if e.code().as_deref() == Some("42501") => MigrateError::Forbidden {
                    role: who.get("role"),
                    database: who.get("database"),
                    source,
                },
                _ => StoreError { operation: "create the schema", source }.into(),
            }
        })?;
    }
    Ok(())
}

async fn apply(
    tx: &mut Connection<'_>,
    number: i32,
    name: &str,
    text: &'static str,
) -> Result<(), MigrateError> {
    sqlx::raw_sql(text).execute(&mut *tx).await.during("apply a migration")?;
    sqlx::query("insert into pgflow.migration (number, name, checksum) values ($1, $2, $3)")
        .bind(number)
        .bind(name)
        .bind(checksum(text))
        .execute(&mut *tx)
        .await
        .during("note a migration")?;
    sqlx::query(
        "insert into pgflow.meta (schema, compatible) values ($1, $2) \
         on conflict (only_row) do update set schema = excluded.schema, compatible = excluded.compatible",
    )
    .bind(number)
    .bind(COMPATIBLE)
    .execute(&mut *tx)
    .await
    .during("note the schema number")?;
    Ok(())
}

fn checksum(text: &str) -> Vec<u8> {
    Sha256::digest(text).to_vec()
}
