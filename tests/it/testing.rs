//! What pgflow gives to the tests of its users: a database per test, and workflows whose workers die on purpose.

use std::{
    collections::BTreeSet,
    env,
    future::ready,
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use pgflow::{
    Failure, RunId, StepContext, TransactionError, step,
    testing::{self, CrashError, Database, Side, Survival},
    workflow,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no")]
    No,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    #[error(transparent)]
    Step(#[from] Failure),
}

const CHILD: &str = "PGFLOW_TEST_DATABASES_CHILD";

/// Not a test by itself: a process that makes two databases at once, and says their names.
#[tokio::test(flavor = "multi_thread")]
async fn child_main() {
    if env::var_os(CHILD).is_none() {
        return;
    }
    let (one, two) = tokio::join!(Database::new(), Database::new());
    println!("database {}\ndatabase {}", one.unwrap().name(), two.unwrap().name());
}

async fn exists(name: &str) -> bool {
    let server = testing::server().await.unwrap();
    let mut sql = PgConnection::connect_with(&server.options("postgres")).await.unwrap();
    sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(name)
        .fetch_one(&mut sql)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_test_of_every_process_has_a_database_of_its_own_which_goes_with_it() {
    let spawn = || {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "testing::child_main", "--nocapture"]).env(CHILD, "1");
        thread::spawn(move || command.output().unwrap())
    };
    let processes = [spawn(), spawn(), spawn()];
    let mut names = BTreeSet::new();
    for output in processes.map(|process| process.join().unwrap()) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        names.extend(said.lines().filter_map(|l| l.strip_prefix("database ")).map(String::from));
    }
    assert_eq!(names.len(), 6, "{names:?}");
    for name in names {
        assert!(!exists(&name).await, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_a_test_that_panics_stays() {
    let (say, name) = std::sync::mpsc::channel();
    let test = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = Database::new().await.unwrap();
            say.send(db.name().to_owned()).unwrap();
            panic!("on purpose");
        });
    });
    assert!(test.join().is_err());
    let name = name.recv().unwrap();
    assert!(exists(&name).await);
    testing::server().await.unwrap().drop_database(&name).await.unwrap();
}

#[step]
async fn add_one(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[workflow]
async fn chain_of_five(n: u32) -> Result<u32> {
    #[id = "first"]
    let n = add_one(n).await?;
    #[id = "second"]
    let n = add_one(n).await?;
    #[id = "third"]
    let n = add_one(n).await?;
    #[id = "fourth"]
    let n = add_one(n).await?;
    #[id = "fifth"]
    let n = add_one(n).await?;
    Ok(n)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_survives_the_death_of_its_worker_at_each_of_its_commits() {
    let report = testing::crash_everywhere::<chain_of_five>(3).await.unwrap();
    println!("{report}");
    assert_eq!(report.commits, 5);
    let runs: Vec<_> = report.runs.iter().map(|run| (run.commit, run.side)).collect();
    let expected = (1..=5).flat_map(|n| [(n, Side::Request), (n, Side::Answer)]);
    assert_eq!(runs, expected.collect::<Vec<_>>());
    assert!(report.runs.iter().all(|run| run.survival == Survival::Survived), "{report}");
}

#[step]
async fn fails_first(n: u32) -> Result<u32> {
    if StepContext::current().attempt() == 1 { Err(Error::No) } else { Ok(n) }
}

/// Writes in the transaction of its completion.
#[step(transactional)]
async fn book(n: u32) -> Result<u32> {
    let context = StepContext::current();
    let mut transaction = context.transaction().await?;
    sqlx::query("insert into booking (run_id) values ($1)")
        .bind(context.run().map(|run| run.0))
        .execute(&mut *transaction)
        .await?;
    Ok(n * 2)
}

#[step(concurrency = 1)]
async fn add_all(all: Vec<u32>, word: u32) -> Result<u32> {
    Ok(all.iter().sum::<u32>() + word)
}

#[workflow]
async fn of_every_kind(n: u32) -> Result<u32> {
    let n = fails_first(n).await?;
    pgflow::sleep(Duration::from_hours(48)).await;
    let word = pgflow::signal::<u32>("word").within(Duration::from_hours(1)).await?;
    let booked = if n > 1 { book(n).await? } else { pgflow::child(chain_of_five(n)).await? };
    let all = pgflow::map(vec![booked, 1], add_one).await?;
    add_all(all, word).await
}

/// Whether a run has booked so often.
async fn booked(options: PgConnectOptions, run: RunId, times: i64) -> Result<()> {
    let mut sql = PgConnection::connect_with(&options).await?;
    let bookings: i64 = sqlx::query_scalar("select count(*) from booking where run_id = $1")
        .bind(run.0)
        .fetch_one(&mut sql)
        .await?;
    if bookings == times { Ok(()) } else { Err(Error::No) }
}

async fn survives_with_everything(n: u32, bookings: i64) {
    let db = Database::new().await.unwrap();
    let mut sql = PgConnection::connect_with(&db.options()).await.unwrap();
    sqlx::query("create table booking (run_id bigint not null)").execute(&mut sql).await.unwrap();
    let options = db.options();
    let report = testing::crash_everywhere::<of_every_kind>(n)
        .on(&db)
        .signal("word", &100)
        .check(move |run| booked(options.clone(), run, bookings))
        .await
        .unwrap();
    println!("{report}");
    assert!(report.commits > 8, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_maps_and_children_survive_too() {
    survives_with_everything(1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transactional_step_writes_once_wherever_its_worker_dies() {
    survives_with_everything(4, 1).await;
}

/// The runs whose parcel went off, as often as it did.
type Shipped = Arc<Mutex<Vec<RunId>>>;

#[step(needs(Shipped))]
async fn ship_parcel(n: u32) -> Result<u32> {
    let context = StepContext::current();
    context.state::<Shipped>().lock().unwrap().extend(context.run());
    Ok(n)
}

#[step]
async fn count_attempts(n: u32) -> Result<u32> {
    Ok(n + StepContext::current().attempt())
}

#[workflow]
async fn careless(n: u32) -> Result<u32> {
    let n = ship_parcel(n).await?;
    count_attempts(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn effects_that_happen_twice_and_outputs_that_depend_on_the_attempt_are_told() {
    let shipped = Shipped::default();
    let (given, seen) = (shipped.clone(), shipped);
    let died = testing::crash_everywhere::<careless>(7)
        .worker(move |worker| worker.state(given.clone()))
        .check(move |run| {
            let times = seen.lock().unwrap().iter().filter(|shipped| **shipped == run).count();
            ready(if times == 1 { Ok(()) } else { Err(format!("shipped {times} times")) })
        })
        .await
        .unwrap_err();
    let text = died.to_string();
    let CrashError::Died { report, .. } = died else { panic!("{died}") };
    let differs = Survival::Differs { expected: "8".into(), found: "9".into() };
    let twice = Survival::Check("shipped 2 times".into());
    let expected = [twice, differs.clone(), differs, Survival::Survived];
    let found: Vec<_> = report.runs.into_iter().map(|run| run.survival).collect();
    assert_eq!(found, expected);
    assert!(text.contains("|      1 | just before | check: shipped 2 times |"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_replaced_by_type_for_every_worker_that_dies() {
    let report = testing::crash_everywhere::<careless>(7)
        .worker(|worker| worker.stub(ship_parcel {}, Ok(1)).stub(count_attempts {}, Ok(2)))
        .await
        .unwrap();
    assert_eq!(report.commits, 2);
}
