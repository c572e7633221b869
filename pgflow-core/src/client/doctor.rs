//! The doctor: looks for what commonly keeps runs from going on, and says what to do about each.

use std::{
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};

use crate::store::{
    Connection, StoreError,
    health::{self, Waiting},
    migrate::{MigrateError, check},
};

use super::{Connect, OpenError};

/// Dead rows in one table, beyond which and beyond as many live ones there is something wrong.
const DEAD_ROWS_MAX: u64 = 50_000;
/// Transactions over which a standby may keep dead rows: it does so at any time, and does not say since when.
const HELD_MAX: u32 = 100_000;
/// The major versions of Postgres that the tests are run against.
const VERSIONS: RangeInclusive<i32> = 14..=18;
/// How far the clock of a host may be from the database's before people are misled.
const SKEW_MAX: Duration = Duration::from_secs(2);

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Fine,
    /// It may become a fault, or misleads.
    Warning,
    /// Runs do not go on, or data is in danger.
    Fault,
}

/// What the doctor says of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked at, as in `migration` or `pinned`.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub text: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    fn fine(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, level: Level::Fine, text: text.into(), remedy: None }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (text, remedy) = (text.into(), Some(remedy.into()));
        Self { check, level: Level::Warning, text, remedy }
    }

    fn fault(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level: Level::Fault, ..Self::warning(check, text, remedy) }
    }
}

impl Connect {
    /// Examines the database and whoever works on it; changes nothing and does not need the schema. What waits or is
    /// held open for longer than `older_than` is a finding; `here` reads the caller's clock.
    ///
    /// # Errors
    /// [`OpenError`], where there is no answer to examine.
    pub async fn examine(
        self,
        older_than: Duration,
        here: impl Fn() -> SystemTime,
    ) -> Result<Vec<Finding>, OpenError> {
        // the private server lives as long as this
        let (endpoint, _server) = self.endpoint().await?;
        let mut connection = endpoint.first().await?;
        let mut found = Vec::new();
        found.extend(server(&mut connection).await.map_err(failed)?);
        found.extend(pinned(&mut connection, older_than).await.map_err(failed)?);
        match check(&mut connection).await {
            Ok(()) => {}
            Err(MigrateError::Store(error)) => return Err(failed(error)),
            Err(error) => {
                found.push(Finding::fault("migration", error.to_string(), migration(&error)));
                return Ok(found);
            }
        }
        found.push(Finding::fine("migration", "the schema is one that this binary speaks"));
        found.extend(schema(&mut connection, older_than, here).await.map_err(failed)?);
        let _ = connection.close().await;
        Ok(found)
    }
}

fn failed(error: StoreError) -> OpenError {
    OpenError::Migrate(error.into())
}

/// What to do about a schema that is not one for this binary.
fn migration(error: &MigrateError) -> &'static str {
    match error {
        MigrateError::TooNew { .. } => {
            "use a newer binary, as old as the one that brought the schema there or younger; a schema does not go back"
        }
        MigrateError::Foreign => "use another database, or rename that schema",
        MigrateError::Edited { .. } => "use the binary that made this database",
        _ => "start a worker of this version: it brings the schema up to date where its role may",
    }
}

/// All that needs the schema.
async fn schema(
    connection: &mut Connection<'_>,
    older_than: Duration,
    here: impl Fn() -> SystemTime,
) -> Result<Vec<Finding>, StoreError> {
    let alive = health::alive(connection).await?;
    let mut found = vec![workers(&alive), skew(alive.at.to_system_time(), here())];
    let dead = health::dead(connection).await?;
    let holds = |dead: &health::Dead| {
        let text = format!(
            "worker `{}` died {} ago and still holds {} and {}",
            dead.name,
            lasting(dead.age),
            counted(dead.tasks, "task"),
            counted(dead.slots, "slot")
        );
        Finding::fault("dead", text, "start a worker: any live one takes over within seconds")
    };
    found.extend(or_fine(dead.iter().map(holds), "dead", "no dead worker holds anything"));
    let waiting = health::waiting(connection).await?;
    found.extend(or_fine(
        waiting.iter().filter_map(unserved),
        "unserved",
        "whatever is ready has a live worker that can run it",
    ));
    found.extend(or_fine(
        waiting
            .iter()
            .filter(|w| w.age >= older_than && w.servers > 0 && w.refusal.is_none())
            .map(late),
        "queue",
        format!("nothing has been ready for {} or longer", lasting(older_than)),
    ));
    found.extend(tables(connection).await?);
    Ok(found)
}

fn or_fine(
    found: impl Iterator<Item = Finding>,
    check: &'static str,
    fine: impl Into<String>,
) -> Vec<Finding> {
    let found: Vec<Finding> = found.collect();
    if found.is_empty() { vec![Finding::fine(check, fine)] } else { found }
}

async fn server(connection: &mut Connection<'_>) -> Result<Vec<Finding>, StoreError> {
    let server = health::server(connection).await?;
    let mut found = vec![postgres(server.major, &server.version)];
    if server.standby {
        let text = "the server is a standby, which takes no writes";
        found.push(Finding::fault("postgres", text, "connect to the primary"));
    }
    let off = server.off.iter().map(|(name, remedy)| {
        Finding::fault("settings", format!("`{name}` is off: {}", harm(name)), remedy)
    });
    found.extend(or_fine(off, "settings", "nothing that keeps data safe is off"));
    let text = format!("{} of {} connections are in use", server.connected, server.connections);
    found.push(if server.connected * 10 >= server.connections * 9 {
        Finding::warning("connections", text, "raise max_connections, which takes a restart, or put a pooler before the other applications")
    } else {
        Finding::fine("connections", text)
    });
    Ok(found)
}

fn postgres(major: i32, version: &str) -> Finding {
    if VERSIONS.contains(&major) {
        return Finding::fine("postgres", format!("Postgres {version}"));
    }
    let text = format!("Postgres {version} was never tried with this");
    let remedy = format!("use Postgres {} to {}", VERSIONS.start(), VERSIONS.end());
    Finding::warning("postgres", text, remedy)
}

fn harm(setting: &str) -> &'static str {
    match setting {
        "fsync" | "full_page_writes" => "a crash of the machine may destroy the database",
        "autovacuum" => "tables grow and grow slow",
        _ => "a crash of the server may take back steps that were reported as completed",
    }
}

async fn pinned(
    connection: &mut Connection<'_>,
    older_than: Duration,
) -> Result<Vec<Finding>, StoreError> {
    let pins = health::pinned(connection, older_than, HELD_MAX).await?;
    let mut found: Vec<Finding> = pins.into_iter().map(pin).collect();
    let (unseen, role) = health::unseen(connection).await?;
    if unseen > 0 {
        let text = format!(
            "{} of other users {} dead rows from being removed right now; role `{role}` may not see since when",
            counted(unseen, "session"),
            if unseen == 1 { "keeps" } else { "keep" }
        );
        let remedy = format!("grant pg_read_all_stats to {role};  -- then look again");
        found.push(Finding::warning("pinned", text, remedy));
    }
    let fine = format!(
        "no transaction in this database has kept dead rows from being removed for {} or longer",
        lasting(older_than)
    );
    Ok(or_fine(found.into_iter(), "pinned", fine))
}

fn pin(pin: health::Pin) -> Finding {
    let since = match (pin.age, pin.transactions) {
        (Some(age), _) => format!(" for {}", lasting(age)),
        (None, Some(transactions)) => format!(" over {}", counted(transactions, "transaction")),
        (None, None) => String::new(),
    };
    let text = format!("{} has kept dead rows from being removed{since}", pin.who);
    Finding::fault("pinned", text, pin.remedy)
}

fn workers(alive: &health::Alive) -> Finding {
    match (&alive.workers[..], alive.work) {
        ([], true) => Finding::fault(
            "workers",
            "no worker is alive, so nothing goes on: no step, no sleep, no deadline",
            "start one: the command `worker` of the binary that has the workflows",
        ),
        ([], false) => Finding::warning(
            "workers",
            "no worker is alive; nothing is there to do either",
            "start one: the command `worker` of the binary that has the workflows",
        ),
        (names, _) => Finding::fine("workers", format!("alive: {}", names.join(", "))),
    }
}

fn skew(there: SystemTime, here: SystemTime) -> Finding {
    let (distance, way) = match here.duration_since(there) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let text = format!("this host's clock is {} {way} the database's", lasting(distance));
    if distance <= SKEW_MAX {
        return Finding::fine("clock", text);
    }
    let remedy = "runs are not harmed: the engine reads the database's clock alone; but logs and times will not match, so synchronise both (NTP)";
    Finding::warning("clock", text, remedy)
}

fn unserved(waiting: &Waiting) -> Option<Finding> {
    let tasks = match waiting.tasks {
        0..health::COUNTED => counted(waiting.tasks, "task"),
        most => format!("{most} or more tasks"),
    };
    let ready = format!(
        "{tasks} of `{}` in `{}`, first run {}",
        waiting.node, waiting.version, waiting.run
    );
    if waiting.servers == 0 {
        let text = format!("nobody alive has `{}`: {ready}", waiting.version);
        let remedy = "start a worker whose binary links this version, or cancel these runs";
        return Some(Finding::fault("unserved", text, remedy));
    }
    let why = waiting.refusal.as_ref()?;
    let text = format!("no live worker can run {ready}: {why}");
    Some(Finding::fault("unserved", text, "start a worker that offers what is missing"))
}

fn late(waiting: &Waiting) -> Finding {
    let text = format!(
        "`{}` of `{}` has had tasks ready for {}: first run {}",
        waiting.node,
        waiting.version,
        lasting(waiting.age),
        waiting.run
    );
    let remedy = format!(
        "`why {}` says what it waits for; more workers or a higher limit shorten the queue",
        waiting.run
    );
    Finding::warning("queue", text, remedy)
}

async fn tables(connection: &mut Connection<'_>) -> Result<Vec<Finding>, StoreError> {
    let tables = health::tables(connection).await?;
    let bad = tables.iter().flat_map(|table| {
        let bloated = (table.dead > DEAD_ROWS_MAX && table.dead > table.live).then(|| {
            let text = format!("`pgflow.{}` has {} dead rows beside {} live ones, {}", table.name, table.dead, table.live, table.size);
            let remedy = format!("vacuum pgflow.{};  -- and see what `pinned` says: nothing is removed while a transaction is open", table.name);
            Finding::warning("bloat", text, remedy)
        });
        let excluded = table.excluded.then(|| {
            let text = format!("autovacuum may not touch `pgflow.{}`", table.name);
            let remedy = format!("alter table pgflow.{} reset (autovacuum_enabled);", table.name);
            Finding::warning("bloat", text, remedy)
        });
        bloated.into_iter().chain(excluded)
    });
    Ok(or_fine(bad, "bloat", "no table has more dead rows than live ones"))
}

fn counted(n: u64, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// A duration for people, as SQL writes it.
fn lasting(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        s @ 1..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_postgres_that_was_never_tried_is_a_warning() {
        for (major, level) in
            [(13, Level::Warning), (14, Level::Fine), (18, Level::Fine), (19, Level::Warning)]
        {
            let found = postgres(major, "as it says");
            assert_eq!((found.check, found.level), ("postgres", level), "{major}");
        }
        let found = postgres(13, "13.21");
        assert_eq!(found.text, "Postgres 13.21 was never tried with this");
        assert_eq!(found.remedy.as_deref(), Some("use Postgres 14 to 18"));
    }
}
