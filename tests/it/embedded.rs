//! The private server among real processes: this binary runs itself again as their users.

use std::{
    env, fs,
    io::{BufRead, BufReader, Lines},
    path::{Path, PathBuf},
    process::{self, ChildStdin, ChildStdout, Command, Stdio},
};

use pgflow_core::embedded::{EmbeddedError, Server, server};
use sqlx::{Connection, PgConnection, query, query_scalar};

const CHILD: &str = "PGFLOW_TEST_CHILD";
const SAYS: &str = "child says: ";

/// Where one test keeps its server.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = env::temp_dir().join(format!("pgflow-it-{}-{name}", process::id()));
        fs::create_dir_all(&place).unwrap();
        Self(place)
    }

    fn is_running(&self) -> bool {
        fs::read_dir(&self.0)
            .unwrap()
            .any(|entry| entry.unwrap().path().join("data/postmaster.pid").exists())
    }

    fn child(&self) -> Child {
        self.child_with(|_| ())
    }

    fn child_with(&self, change: impl FnOnce(&mut Command)) -> Child {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "embedded::child_main", "--nocapture"])
            .env(CHILD, "1")
            .env("PGFLOW_DATA_DIR", &self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        change(&mut command);
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Child { stdin: process.stdin.take(), lines, process }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Best effort: a test that failed may have left a server in it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that uses the server until it is told to leave.
struct Child {
    process: process::Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// What it says next: when its server started, or why it did not.
    fn says(&mut self) -> String {
        let said = self.lines.find_map(|line| Some(line.unwrap().split_once(SAYS)?.1.to_owned()));
        said.expect("the child ended without a word")
    }

    fn leave(mut self) {
        drop(self.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Not a test by itself: what the other tests run as a process of its own.
#[tokio::test]
async fn child_main() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    match server().await {
        Err(error) => println!("{SAYS}{error}"),
        Ok(server) => {
            println!("{SAYS}{}", started_at(&server).await);
            // Ends when the parent closes it.
            std::io::stdin().lines().for_each(drop);
        }
    }
}

async fn started_at(server: &Server) -> String {
    let mut connection = PgConnection::connect_with(&server.options("postgres")).await.unwrap();
    query_scalar("select pg_postmaster_start_time()::text")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

#[test]
fn processes_that_start_together_share_one_server_and_the_last_to_leave_stops_it() {
    let place = Place::new("share");
    let (mut first, mut second) = (place.child(), place.child());
    let server = first.says();
    assert_eq!(second.says(), server);
    first.leave();
    assert!(place.is_running());
    let mut third = place.child();
    assert_eq!(third.says(), server);
    third.leave();
    second.leave();
    assert!(!place.is_running());
    let mut later = place.child();
    assert_ne!(later.says(), server);
    later.leave();
}

#[test]
fn a_server_whose_only_user_was_killed_is_used_again() {
    let place = Place::new("killed");
    let mut victim = place.child();
    let server = victim.says();
    victim.kill();
    assert!(place.is_running());
    let mut next = place.child();
    assert_eq!(next.says(), server);
    next.leave();
    assert!(!place.is_running());
}

#[test]
fn a_server_that_was_killed_is_started_again() {
    let place = Place::new("crash");
    let mut user = place.child();
    let server = user.says();
    kill_server(&place.0);
    user.kill();
    let mut next = place.child();
    assert_ne!(next.says(), server);
    next.leave();
    assert!(!place.is_running());
}

fn kill_server(place: &Path) {
    let note = fs::read_dir(place).unwrap().find_map(|entry| {
        fs::read_to_string(entry.unwrap().path().join("data/postmaster.pid")).ok()
    });
    let note = note.expect("no server runs");
    let pid = note.lines().next().unwrap();
    assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
}

#[test]
fn an_interrupted_initdb_is_done_over() {
    let place = Place::new("initdb");
    let mut user = place.child();
    user.says();
    user.leave();
    let version = fs::read_dir(&place.0).unwrap().map(|entry| entry.unwrap().path());
    let version = version.into_iter().find(|path| path.is_dir()).unwrap();
    fs::rename(version.join("data"), version.join("data.unfinished")).unwrap();
    fs::remove_file(version.join("data.unfinished/PG_VERSION")).unwrap();
    let mut next = place.child();
    assert!(next.says().starts_with("20"), "no server");
    next.leave();
    assert!(!version.join("data.unfinished").exists());
}

#[test]
fn without_programs_one_message_says_what_to_install() {
    let place = Place::new("none");
    let mut child = place.child_with(|command| {
        command.env("PATH", &place.0).env("PGFLOW_POSTGRES_BIN", &place.0);
    });
    let said = child.says();
    assert!(said.contains("apt-get install postgresql") && said.contains("DATABASE_URL"), "{said}");
    child.leave();
}

#[tokio::test]
async fn a_template_is_made_once_however_many_ask_and_again_when_it_was_left_half_made() {
    let server = server().await.unwrap();
    let template = format!("it_template_{}", process::id());
    let copy = format!("it_copy_{}", process::id());
    let nothing = server.with_template(&template, async |_| Err("on purpose")).await;
    assert!(matches!(nothing, Err(EmbeddedError::Template { .. })));

    server.ensure_database(&template).await.unwrap();
    let make = || {
        server.with_template(&template, async |options| {
            let mut connection = PgConnection::connect_with(&options).await?;
            query("create table made (at timestamptz)").execute(&mut connection).await?;
            connection.close().await
        })
    };
    let (one, two) = tokio::join!(make(), make());
    one.and(two).unwrap();

    server.create_from_template(&copy, &template).await.unwrap();
    let mut connection = PgConnection::connect(&server.url(&copy)).await.unwrap();
    query("insert into made values (now())").execute(&mut connection).await.unwrap();
    server.drop_database(&copy).await.unwrap();
    drop_template(&server, &template).await;
}

async fn drop_template(server: &Server, template: &str) {
    let mut connection = PgConnection::connect_with(&server.options("postgres")).await.unwrap();
    let open = format!("alter database {template} with is_template false");
    sqlx::raw_sql(sqlx::AssertSqlSafe(open)).execute(&mut connection).await.unwrap();
    server.drop_database(template).await.unwrap();
}
