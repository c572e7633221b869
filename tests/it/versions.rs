//! Versions of workflows beside each other, and of the schema.

mod first;

use std::time::Duration;

use pgflow::{Failure, FailureKind, RunId, RunState, StepContext, step, workflow};
use sqlx::Executor;
use tokio::sync::{Notify, Semaphore};

use crate::{
    process::{Process, command},
    support::{Database, PATIENCE, history, survived, worker, worker_with},
};

use first::{First, Outcome};

type Result<T> = std::result::Result<T, Failure>;

static GATE: Notify = Notify::const_new();

#[step]
pub async fn weigh(n: u32) -> Result<u32> {
    if n == 1 {
        GATE.notified().await;
    }
    Ok(n)
}

#[step]
pub async fn wrap(n: u32) -> Result<String> {
    Ok(format!("{n} wrapped"))
}

#[step]
pub async fn stamp(parcel: String) -> Result<String> {
    Ok(format!("{parcel} and stamped"))
}

#[workflow(id = "parcel", version = 1)]
pub async fn parcel_v1(n: u32) -> Result<String> {
    let weight = weigh(n).await?;
    wrap(weight).await
}

#[workflow(id = "parcel", version = 2)]
pub async fn parcel(n: u32) -> Result<String> {
    let weight = weigh(n).await?;
    let wrapped = wrap(weight).await?;
    stamp(wrapped).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_finishes_on_the_version_it_began_with_while_newer_ones_start() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "parcel").await;
    let old = flow.start::<parcel_v1>(1).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let new = flow.start::<parcel>(2).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "2 wrapped and stamped");
    GATE.notify_one();
    assert_eq!(old.output().await.unwrap(), "1 wrapped");
    let status = old.status().await.unwrap();
    assert_eq!((status.version, history(&status).len()), (1, 2));
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_hold_one_version_each_serve_only_runs_of_theirs() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let of = |version| Process::spawn(command(&db, &db.url(), &[version]));
    let processes = [of("parcel@1"), of("parcel@2")];
    let old = flow.start_many::<parcel_v1>(2..40).await.unwrap();
    let new = flow.start_many::<parcel>(2..40).await.unwrap();
    for (n, (old, new)) in (2..).zip(old.iter().zip(&new)) {
        assert_eq!(old.output().await.unwrap(), format!("{n} wrapped"));
        assert_eq!(new.output().await.unwrap(), format!("{n} wrapped and stamped"));
    }
    for (process, version) in processes.iter().zip([1_i64, 2]) {
        let strays = "select count(*) from pgflow.attempt a join pgflow.worker k on k.id = a.worker_id \
            join pgflow.run r on r.id = a.run_id join pgflow.workflow w on w.id = r.workflow_id \
            where k.name = $1 and w.version <> $2";
        let strays = sqlx::query_scalar::<_, i64>(strays).bind(process.worker()).bind(version);
        assert_eq!(strays.fetch_one(&mut db.sql().await).await.unwrap(), 0, "version {version}");
    }
    db.check_invariants().await;
}

#[cfg(feature = "insta")]
#[test]
fn a_changed_definition_says_what_it_asks_for() {
    pgflow::assert_definition!(parcel_v1);
    let advice = |file| pgflow::__private::advice::<parcel>(env!("CARGO_MANIFEST_DIR"), file);
    assert_eq!(
        advice(file!()),
        "Version 2 of `parcel` stands beside version 1. Runs under way can be moved to it (`Flow::migrate`), unless they \
         are at their end."
    );
    assert_eq!(advice("elsewhere.rs"), "`parcel` has no accepted definition yet.");
}

/// The migrations of the first binaries, which stay as they are.
const FIRST: [(i32, &str, &str); 2] = [
    (1, "tables", include_str!("../../pgflow-core/migrations/0001_tables.sql")),
    (2, "functions", include_str!("../../pgflow-core/migrations/0002_functions.sql")),
];

/// Takes the schema back to what the first binaries made of an empty database.
async fn first_schema(db: &Database) {
    let mut sql = db.sql().await;
    sql.execute(
        "drop schema pgflow cascade; create schema pgflow;
         create table pgflow.migration (number int primary key, name text not null, checksum bytea not null,
           applied_at timestamptz not null default now())",
    )
    .await
    .unwrap();
    for (number, name, text) in FIRST {
        sql.execute(sqlx::raw_sql(text)).await.unwrap();
        let note = "insert into pgflow.migration (number, name, checksum) values ($1, $2, sha256($3::bytea))";
        let noted = sqlx::query(note).bind(number).bind(name).bind(text.as_bytes());
        noted.execute(&mut sql).await.unwrap();
    }
    sql.execute("insert into pgflow.meta (schema, compatible) values (2, 1)").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_schema_is_brought_up_under_a_run_that_an_older_binary_left() {
    let db = Database::new().await;
    first_schema(&db).await;
    let mut sql = db.sql().await;
    // what an older binary wrote: its definition, its numbers, a run that is ready at `wrap`
    sql.execute(
        "insert into pgflow.workflow (name, version, fingerprint, definition) values ('parcel', 1, '', '{}');
         insert into pgflow.node (workflow, number, id) values ('parcel', 1, 'weigh'), ('parcel', 2, 'wrap');
         insert into pgflow.queue (workflow_id, node, control) values (1, 1, false), (1, 2, false), (1, 0, true), (1, -1, true);
         insert into pgflow.run (workflow_id, input) values (1, '5');
         insert into pgflow.attempt (run_id, node, elem, attempt, status, ended_at, output) values (1, 1, 0, 1, 1, now(), '5');
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch, ready_in) values (1, 1, 0, 2, 2, 2, 2)",
    )
    .await
    .unwrap();
    let definition: pgflow::Definition = (<parcel_v1 as pgflow::Workflow>::SPEC)().into();
    sqlx::query("update pgflow.workflow set fingerprint = $1, definition = $2::jsonb")
        .bind(&definition.fingerprint)
        .bind(definition.to_json())
        .execute(&mut sql)
        .await
        .unwrap();
    let flow = db.flow().await;
    let worker = worker(&flow, "parcel").await;
    let run = flow.run::<parcel_v1>(pgflow::RunId(1));
    assert_eq!(run.output().await.unwrap(), "5 wrapped");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_binary_flushes_beside_this_one_and_its_ended_child_wakes_the_parent() {
    let db = Database::new().await;
    let mut sql = db.sql().await;
    // a child that an older worker holds at its end, and the parent's token that waits for it
    sql.execute(
        "insert into pgflow.worker (id, name, lease_until, offers) values (7, 'older', now() + interval '1 hour', '{}');
         insert into pgflow.run (id, workflow_id, input) values (1, 1, 'null');
         insert into pgflow.run (id, workflow_id, input, parent_run, parent_lane, parent_elem) values (2, 1, 'null', 1, 3, 0);
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch) values (1, 3, 0, 3, 9, 1);
         insert into pgflow.task (run_id, lane, elem, node, queue, epoch, worker_id, started_at) values (2, 1, 0, 1, 8, 4, 7, now())",
    )
    .await
    .unwrap();
    let flush = "select count(*) from pgflow.flush_1(7, '{2}', '{1}', '{0}', '{4}', '{1}', '{0}', '{1}', '{1}', \
                 array[now()], array[now()], '{42}', array[null::text], array[null::smallint], array[null::int], '{f}', \
                 array[null::bigint], '{0}', '{t}', '{42}', '{f}', array[null::int], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', \
                 '{}', '{}', '{}', '{}', '{}', '{}', '{}') f where f.taken = '{1}'";
    assert_eq!(db.count(flush).await, 1);
    assert_eq!(
        db.count("select count(*) from pgflow.run where state = 1 and output = '42'").await,
        1
    );
    assert_eq!(
        db.count("select count(*) from pgflow.task where run_id = 1 and ready_in = 9").await,
        1
    );
}

/// Fails for good.
const BAD: u32 = 99;
/// Its first attempt holds its worker for ever.
const HELD: u32 = 70;
/// `cross_left` waits for it.
const HALTED: u32 = 80;
/// `cross_join` waits for it.
const JOINED: u32 = 90;

/// Lets `cross_left` of [`HALTED`] end.
static LEFT: Semaphore = Semaphore::const_new(0);
/// Lets `cross_join` of [`JOINED`] end.
static JOIN: Semaphore = Semaphore::const_new(0);

/// Whether an attempt of `cross_begin` fails, in either binary.
fn is_bad(n: u32, attempt: u32) -> bool {
    n == BAD || (n % 10 == 3 && attempt == 1)
}

#[step(retries = 1, retry_delay = "10ms")]
pub async fn cross_begin(n: u32) -> Result<u32> {
    let attempt = StepContext::current().attempt();
    if n == HELD && attempt == 1 {
        StepContext::current().cancelled().await;
    }
    if is_bad(n, attempt) {
        return Err(Failure::new("cross_begin", FailureKind::Failed, format!("{n} is bad")));
    }
    Ok(n)
}

#[step]
pub async fn cross_left(n: u32) -> Result<u32> {
    if n == HALTED {
        let _ = LEFT.acquire().await;
    }
    Ok(n + 1)
}

#[step]
pub async fn cross_right(n: u32) -> Result<u32> {
    Ok(n + 2)
}

#[step(concurrency = 1)]
pub async fn cross_join(left: u32, right: u32) -> Result<u32> {
    if left == JOINED + 1 {
        let _ = JOIN.acquire().await;
    }
    Ok(left * right)
}

#[workflow]
pub async fn crossing(n: u32) -> Result<u32> {
    let begun = cross_begin(n).await?;
    let left = cross_left(begun).await?;
    let right = cross_right(begun).await?;
    cross_join(left, right).await
}

fn crossed(n: u32) -> u32 {
    (n + 1) * (n + 2)
}

async fn completed(flow: &pgflow::Flow, runs: &[(RunId, u32)]) {
    for (run, n) in runs {
        let output = flow.run::<crossing>(*run).output().await.unwrap();
        assert_eq!(output, crossed(*n), "run {run} of {n}");
    }
}

/// Nothing is held and nothing was lost or done twice.
async fn all_is_well(db: &Database) {
    db.check_invariants().await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.run where state = 0").await, 0);
    let whole = "select count(*) from (select 1 from pgflow.run r left join pgflow.attempt a on a.run_id = r.id and a.status = 1 \
                 where r.state = 1 group by r.id having count(a.node) <> 4) short";
    assert_eq!(db.count(whole).await, 0, "a completed run has four completed steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_binary_began_and_holds_goes_on_when_this_one_comes_beside_it() {
    let db = Database::new().await;
    first_schema(&db).await;
    let mut old = First::open(&db, "old").await;
    let mut dies = First::open(&db, "dies").await;
    let mut leaves = First::open(&db, "leaves").await;

    // each as far as the first schema lets it come, and no further
    let runs = old.start(&[3]).await;
    let tried = old.claim("cross_begin", 1).await.remove(0);
    assert!(matches!(old.work(tried).await, Outcome::Left), "it is tried again later");
    let mut begun = vec![(runs[0], 3)];
    begun.push((old.start(&[1]).await[0], 1));
    let slotted = through_begin(&mut old).await;
    for step in ["cross_left", "cross_right"] {
        for held in old.claim(step, 1).await {
            old.work(held).await;
        }
    }
    if let Some(held) = slotted {
        old.work(held).await;
    }
    let join = old.claim_join(1).await.remove(0);
    begun.push((old.start(&[2]).await[0], 2));
    let left = through_begin(&mut old).await.unwrap();
    begun.push((old.start(&[4]).await[0], 4));
    let holds = old.claim("cross_begin", 1).await.remove(0);
    begun.push((dies.start(&[5]).await[0], 5));
    let lost = dies.claim("cross_begin", 1).await.remove(0);
    begun.push((leaves.start(&[6]).await[0], 6));
    let handed = leaves.claim("cross_begin", 1).await;
    let bad = old.start(&[BAD]).await[0];

    let flow = db.flow().await;
    assert!(db.count("select schema::bigint from pgflow.meta").await > 2, "it was brought up");
    let new = worker(&flow, "crossing").await;
    leaves.leave(&handed).await;
    db.expire("dies").await;
    // all that may begin has come to the step that runs alone, whose slot the old worker holds
    let waiting = "select count(*) from pgflow.task k join pgflow.queue q on q.id = k.ready_in \
                   join pgflow.node n on n.workflow = 'crossing' and n.number = q.node where n.id = 'cross_join'";
    db.until(waiting, 3).await;
    assert!(old.beat().await);
    let Outcome::Goes(more) = old.work(holds).await else { panic!("it is still the old worker's") };
    assert!(matches!(old.work(more).await, Outcome::Left));
    assert!(matches!(old.work(left).await, Outcome::Left));
    db.until(waiting, 5).await;
    assert!(matches!(old.work(join).await, Outcome::Left), "the run ends, and the slot is free");
    assert!(matches!(dies.work(lost).await, Outcome::Refused), "another has taken it over");
    completed(&flow, &begun).await;
    assert!(!dies.beat().await, "it has no lease");

    let failed = flow.run::<crossing>(bad).output().await.unwrap_err().to_string();
    assert!(failed.contains("99 is bad"), "{failed}");
    let status = flow.run::<crossing>(begun[4].0).status().await.unwrap();
    assert_eq!(history(&status)[..2], ["cross_begin#1 lost", "cross_begin#2 done"]);
    new.drain(PATIENCE).await;
    all_is_well(&db).await;
}

/// Takes the one run that is at its first step through it; answers the token that goes on in the same hands.
async fn through_begin(old: &mut First) -> Option<first::Held> {
    let held = old.claim("cross_begin", 1).await.remove(0);
    match old.work(held).await {
        Outcome::Goes(held) => Some(held),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_this_binary_began_and_holds_the_first_one_finishes_beside_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let process = Process::spawn(command(&db, &db.url(), &["crossing"]));
    let lost = flow.start::<crossing>(HELD).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    let mut old = First::open(&db, "old").await;
    let gone = process.worker();
    process.kill();
    db.expire(&gone).await;
    assert_eq!(old.tick().await, 1, "the old binary takes over from the new one");
    while old.pass().await > 0 {}
    assert_eq!(lost.output().await.unwrap(), crossed(HELD));
    assert_eq!(history(&lost.status().await.unwrap())[0], "cross_begin#1 lost");

    let bad = old.start(&[BAD]).await[0];
    while db.count("select count(*) from pgflow.run where state = 0").await > 0 {
        old.pass().await;
    }
    let failed = flow.run::<crossing>(bad).status().await.unwrap();
    assert_eq!(failed.state, RunState::Failed);
    assert_eq!(failed.failure.as_ref().unwrap().message, "99 is bad");
    assert_eq!(history(&failed), ["cross_begin#1 failed", "cross_begin#2 failed"]);

    // drained in the middle: one side of the join has come
    let new = worker_with(flow.worker().slots(2), "crossing").await;
    let halted = flow.start::<crossing>(HALTED).await.unwrap();
    db.until("select count(*) from pgflow.task where arrived < need", 1).await;
    new.drain(Duration::ZERO).await;
    while old.pass().await > 0 {}
    assert_eq!(halted.output().await.unwrap(), crossed(HALTED));
    LEFT.add_permits(1);

    // the slot that this binary holds is none for the old one
    let new = worker_with(flow.worker().slots(1), "crossing").await;
    let joined = flow.start::<crossing>(JOINED).await.unwrap();
    db.until("select count(*) from pgflow.slot where run_id is not null", 1).await;
    let behind = old.start(&[7]).await[0];
    for _ in 0..3 {
        old.pass().await;
    }
    let ready = "select count(*) from pgflow.task where ready_in is not null and need = 2";
    assert_eq!(db.count(ready).await, 1);
    assert!(old.claim_join(1).await.is_empty());
    JOIN.add_permits(1);
    assert_eq!(joined.output().await.unwrap(), crossed(JOINED));
    completed(&flow, &[(behind, 7)]).await;
    new.drain(PATIENCE).await;

    // what an operator does to a run that the old worker has in hand
    let [paused, cancelled] = [11, 12].map(|n| flow.start::<crossing>(n));
    let (paused, cancelled) = (paused.await.unwrap(), cancelled.await.unwrap());
    let mut held = old.claim("cross_begin", 2).await;
    held.sort_by_key(|held| held.run.0);
    assert!(flow.pause(paused.id(), "a test").await.unwrap());
    assert!(cancelled.cancel("a test").await.unwrap());
    assert!(matches!(old.work(held.remove(1)).await, Outcome::Refused));
    let stopped = old.work(held.remove(0)).await;
    assert_eq!(old.pass().await, 0, "a paused run goes no further");
    if let Outcome::Goes(held) = stopped {
        assert!(matches!(old.work(held).await, Outcome::Refused), "nor in the old worker's hands");
    }
    assert!(flow.resume(paused.id(), "a test").await.unwrap());
    while old.pass().await > 0 {}
    assert_eq!(paused.output().await.unwrap(), crossed(11));
    assert_eq!(cancelled.status().await.unwrap().state, RunState::Cancelled);
    all_is_well(&db).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_binary_and_this_one_share_runs_and_do_each_step_once() {
    let db = Database::new().await;
    first_schema(&db).await;
    let mut old = First::open(&db, "old").await;
    let mut runs: Vec<(RunId, u32)> =
        old.start(&(0..60).collect::<Vec<_>>()).await.into_iter().zip(0..60).collect();
    old.pass().await;
    let flow = db.flow().await;
    let new = worker_with(flow.worker().name("new").slots(4), "crossing").await;
    let more = flow.start_many::<crossing>(0..60).await.unwrap();
    runs.extend(more.iter().map(pgflow::Run::id).zip(0..60));
    while db.count("select count(*) from pgflow.run where state = 0").await > 0 {
        old.pass().await;
    }
    completed(&flow, &runs).await;
    new.drain(PATIENCE).await;
    all_is_well(&db).await;
    assert_eq!(db.count("select count(*) from pgflow.attempt where status = 4").await, 0);
    // a step of every node that was done by the other binary than a step of its run before it
    let crossed = "select count(distinct a.run_id) from pgflow.attempt a join pgflow.attempt b using (run_id) where a.worker_id <> b.worker_id";
    assert!(db.count(crossed).await > 0, "no run crossed over");
    survived("the first binary beside this one", runs.len());
}
