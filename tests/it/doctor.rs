//! The doctor on faults of a whole server: in processes and servers of their own, because the other tests use the shared one.
//! What it says of one database is tested with the command line.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, id},
    time::{Duration, SystemTime},
};

use pgflow::Level;
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
    raw_sql,
};

const CHILD: &str = "PGFLOW_TEST_DOCTOR_CHILD";

#[test]
fn a_server_without_free_connections_and_with_a_prepared_transaction_is_found() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-doctor", id()));
    seeded("crowd", &place, "-c max_connections=30 -c max_prepared_transactions=2");
}

#[test]
fn a_standby_is_found_and_that_it_keeps_dead_rows_on_its_primary() {
    let place = env::temp_dir().join(format!("pgflow-it-{}-replica", id()));
    seeded("standby", &place, "");
}

/// Has a child process seed faults, in a server of its own at `place`.
fn seeded(faults: &str, place: &Path, options: &str) {
    let child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "doctor::child_main", "--nocapture"])
        .env(CHILD, faults)
        .env("PGFLOW_DATA_DIR", place)
        .env("PGFLOW_POSTGRES_OPTIONS", options)
        .output()
        .unwrap();
    let _ = fs::remove_dir_all(place);
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}

/// Not a test by itself: what the other tests run as processes of their own.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    match env::var(CHILD).as_deref() {
        Ok("crowd") => crowd().await,
        Ok(_) => replicated().await,
        Err(_) => {}
    }
}

/// What the doctor says of one thing, with the remedy.
async fn says(url: &str, check: &str, older_than: Duration) -> Vec<(Level, String)> {
    let found = pgflow::connect(url).examine(older_than, SystemTime::now).await.unwrap();
    let about = found.into_iter().filter(|finding| finding.check == check);
    about.map(|f| (f.level, format!("{} → {}", f.text, f.remedy.unwrap_or_default()))).collect()
}

async fn crowd() {
    let flow = pgflow::embedded().await.unwrap();
    let url = flow.url();
    let [(level, text)] = &says(&url, "connections", Duration::ZERO).await[..] else { panic!() };
    assert!(*level == Level::Fine && text.contains(" of 30 connections are in use"), "{text}");

    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    let prepare = "create table public.mine (n int); begin; insert into public.mine values (1); prepare transaction 'forgotten'";
    raw_sql(prepare).execute(&mut sql).await.unwrap();
    let found = says(&url, "pinned", Duration::ZERO).await;
    let (level, text) = found.iter().find(|(_, text)| text.contains("forgotten")).unwrap();
    assert!(
        text.starts_with("prepared transaction `forgotten` (user postgres) has kept dead rows from being removed for ")
            && text.ends_with(" → rollback prepared 'forgotten';"),
        "{text}"
    );
    assert_eq!(*level, Level::Fault);
    assert!(
        !says(&url, "pinned", Duration::from_secs(3_600)).await[0].1.contains("forgotten"),
        "it is not that old"
    );
    raw_sql("rollback prepared 'forgotten'").execute(&mut sql).await.unwrap();

    let used = "select count(*) from pg_stat_activity where backend_type = 'client backend'";
    let mut taken = Vec::new();
    while sqlx::query_scalar::<_, i64>(used).fetch_one(&mut sql).await.unwrap() < 26 {
        taken.push(PgConnection::connect_with(flow.options()).await.unwrap());
    }
    let [(level, text)] = &says(&url, "connections", Duration::ZERO).await[..] else { panic!() };
    assert!(
        *level == Level::Warning
            && text.starts_with("27 of 30 connections are in use → raise max_connections"),
        "{text}"
    );
}

/// A second server that follows the first one. Stopped when it is dropped.
struct Standby {
    programs: PathBuf,
    place: PathBuf,
    owner: (u32, u32),
}

impl Standby {
    /// Copies a server, and follows it through a slot.
    async fn follow(primary: &PgConnectOptions, slot: &str) -> Self {
        let mut sql = PgConnection::connect_with(primary).await.unwrap();
        let programs = "select setting from pg_config where name = 'BINDIR'";
        let programs: String = sqlx::query_scalar(programs).fetch_one(&mut sql).await.unwrap();
        let data: String =
            sqlx::query_scalar("show data_directory").fetch_one(&mut sql).await.unwrap();
        let owner = fs::metadata(&data).unwrap();
        // where the owner of the first one may write, and short enough for a socket
        let place = PathBuf::from(data).with_file_name("standby");
        let standby = Self { programs: programs.into(), place, owner: (owner.uid(), owner.gid()) };
        let socket = primary.get_socket().unwrap();
        let mut copy = standby.program("pg_basebackup");
        copy.arg("-D")
            .arg(&standby.place)
            .args(["-R", "-C", "-S", slot, "-c", "fast", "-U", "postgres", "-h"]);
        ended(copy.arg(socket));
        standby.start();
        standby
    }

    /// A program of the server's, run by the user of the server.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir("/");
        if self.owner.0 != fs::metadata("/proc/self").unwrap().uid() {
            command.uid(self.owner.0).gid(self.owner.1);
        }
        command
    }

    fn start(&self) {
        let options = format!(
            // a standby takes no fewer connections than its primary
            "-c max_connections=500 -c listen_addresses= -c unix_socket_directories={0} -c hot_standby_feedback=on -c wal_receiver_status_interval=1",
            self.place.display()
        );
        let mut start = self.program("pg_ctl");
        start.args(["start", "-w", "-o", &options, "-D"]).arg(&self.place);
        ended(start.arg("-l").arg(self.place.join("log")));
    }

    fn options(&self) -> PgConnectOptions {
        let options =
            PgConnectOptions::new_without_pgpass().socket(&self.place).username("postgres");
        options.database("pgflow").ssl_mode(PgSslMode::Disable)
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        let mut stop = self.program("pg_ctl");
        let _ = stop.args(["stop", "-m", "immediate", "-D"]).arg(&self.place).output();
    }
}

fn ended(command: &mut Command) {
    // a server that is started keeps pipes open
    let status = command.stdout(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}

/// Waits until a query is true.
async fn until(sql: &mut PgConnection, question: &'static str) {
    for _ in 0..2_000 {
        if sqlx::query_scalar(question).fetch_one(&mut *sql).await.unwrap() {
            return;
        }
        raw_sql("select pg_sleep(0.01)").execute(&mut *sql).await.unwrap();
    }
    panic!("never: {question}");
}

async fn replicated() {
    let flow = pgflow::embedded().await.unwrap();
    let url = flow.url();
    let standby = Standby::follow(flow.options(), "replica").await;
    let there = sqlx::ConnectOptions::to_url_lossy(&standby.options()).to_string();
    let found = says(&there, "postgres", Duration::ZERO).await;
    let expected = "the server is a standby, which takes no writes → connect to the primary";
    assert!(found.contains(&(Level::Fault, expected.into())), "{found:?}");

    // a long query there
    let mut held = PgConnection::connect_with(&standby.options()).await.unwrap();
    let hold =
        "begin transaction isolation level repeatable read; select count(*) from pgflow.task";
    raw_sql(hold).execute(&mut held).await.unwrap();
    let mut sql = PgConnection::connect_with(flow.options()).await.unwrap();
    until(
        &mut sql,
        "select xmin is not null from pg_replication_slots where slot_name = 'replica'",
    )
    .await;
    let pinned = async || says(&url, "pinned", Duration::from_secs(3_600)).await;
    assert_eq!(pinned().await[0].0, Level::Fine, "a standby always keeps some");
    let transactions = "create temporary table t (n int); do $$ begin for i in 1..100001 loop \
        begin insert into t values (i); exception when others then null; end; end loop; end $$";
    raw_sql(transactions).execute(&mut sql).await.unwrap();
    let [(level, text)] = &pinned().await[..] else { panic!() };
    assert!(
        text.starts_with("replication slot `replica`, which pid ")
            && text.contains(" uses has kept dead rows from being removed over 1000")
            && text.contains(" transactions → end the transaction on its standby"),
        "{text}"
    );
    assert_eq!(*level, Level::Fault);

    // the same without a slot: the process that sends to it keeps them
    let mut there = PgConnection::connect_with(&standby.options()).await.unwrap();
    raw_sql("alter system set primary_slot_name = ''").execute(&mut there).await.unwrap();
    raw_sql("select pg_reload_conf()").execute(&mut there).await.unwrap();
    until(&mut sql, "select not active from pg_replication_slots where slot_name = 'replica'")
        .await;
    until(&mut sql, "select exists (select from pg_stat_activity where backend_type = 'walsender' and backend_xmin is not null)").await;
    let found = pinned().await;
    let sender =
        found.iter().find(|(_, text)| text.starts_with("a transaction on standby `")).unwrap();
    assert!(
        sender.1.contains(" over 1000") && sender.1.contains("hot_standby_feedback = off"),
        "{found:?}"
    );
    // and what it left behind
    let slot = found
        .iter()
        .find(|(_, text)| text.starts_with("replication slot `replica`, which nobody uses"))
        .unwrap();
    assert!(
        slot.1.ends_with(" → start what used it, or: select pg_drop_replication_slot('replica');"),
        "{found:?}"
    );
    drop((held, there, standby));
    until(
        &mut sql,
        "select not exists (select from pg_stat_activity where backend_type = 'walsender')",
    )
    .await;
    raw_sql("select pg_drop_replication_slot('replica')").execute(&mut sql).await.unwrap();
    assert_eq!(pinned().await[0].0, Level::Fine);
}
