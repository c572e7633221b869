//! What people do to runs: retry, run again from a chosen step, pause, resume.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use pgflow::{ActionError, Failure, FailureKind, RetryError, RunState, step, workflow};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::{Database, PATIENCE, history, worker};

type Result<T> = std::result::Result<T, Failure>;

/// How often each step ran for each input, over all tests of this file.
fn ran(step: &'static str, n: u32) -> usize {
    static COUNTS: Mutex<Option<HashMap<(&str, u32), usize>>> = Mutex::new(None);
    let mut counts = COUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let count = counts.get_or_insert_default().entry((step, n)).or_default();
    *count += 1;
    *count
}

#[step(retries = 0)]
pub async fn gather_parts(n: u32) -> Result<Vec<u32>> {
    ran("gather_parts", n);
    Ok((0..4).map(|i| n + i).collect())
}

/// Fails the first time for every third number.
#[step(retries = 0)]
pub async fn weigh_part(part: u32) -> Result<u32> {
    let times = ran("weigh_part", part);
    if part.is_multiple_of(3) && times == 1 {
        let text = format!("{part} is too heavy");
        return Err(Failure::new("weigh_part", FailureKind::Failed, text));
    }
    Ok(part * 10)
}

#[step(retries = 0)]
pub async fn add_weights(weights: Vec<u32>) -> Result<u32> {
    ran("add_weights", weights[0]);
    Ok(weights.iter().sum())
}

#[workflow]
pub async fn weighing(n: u32) -> Result<u32> {
    let parts = gather_parts(n).await?;
    let weights = pgflow::map(parts, weigh_part).await?;
    add_weights(weights).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_from_what_failed_as_a_new_run() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "weighing").await;
    let run = flow.start::<weighing>(100).key("order 7").await.unwrap();
    run.output().await.unwrap_err();
    let again = flow.retry(run.id(), "alice").await.unwrap();
    assert_eq!(flow.run::<weighing>(again).output().await.unwrap(), 1_000 + 1_010 + 1_020 + 1_030);
    // what had succeeded is kept, also of the map that failed
    assert_eq!(ran("gather_parts", 100), 2, "the second is this count");
    let status = flow.status(again).await.unwrap().unwrap();
    let kept =
        |node: &str| history(&status).iter().filter(|h| **h == format!("{node}#1 kept")).count();
    assert_eq!(kept("gather_parts"), 1);
    let done = flow.status(run.id()).await.unwrap().unwrap();
    let done = done.attempts.iter().filter(|a| a.node == "weigh_part" && a.failure.is_none());
    assert_eq!(kept("weigh_part"), done.filter(|a| a.status.to_string() == "done").count());
    // idempotent, and the key leads to the new one
    assert_eq!(flow.retry(run.id(), "alice").await.unwrap(), again);
    assert_eq!(flow.run_by_key::<weighing>("order 7").await.unwrap().unwrap().id(), again);
    assert_eq!(db.count("select count(*) from pgflow.audit where action = 'retry'").await, 1);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_run_is_run_again_from_a_chosen_step_with_the_old_outputs() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "weighing").await;
    let run = flow.start::<weighing>(200).await.unwrap();
    run.output().await.unwrap_err();
    let second = flow.retry(run.id(), "bob").await.unwrap();
    let total = flow.run::<weighing>(second).output().await.unwrap();
    let error = flow.retry(second, "bob").await.unwrap_err();
    assert!(matches!(error, RetryError::Completed(_)), "{error}");
    let error = flow.retry(second, "bob").from("weigh_prat").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "run {second} has no node `weigh_prat`; it has `gather_parts`, `weigh_part`, `add_weights`"
        )
    );
    let third = flow.retry(second, "bob").from("add_weights").await.unwrap();
    assert_eq!(flow.run::<weighing>(third).output().await.unwrap(), total);
    let status = flow.status(third).await.unwrap().unwrap();
    let ended = history(&status);
    assert_eq!(ended.iter().filter(|h| h.ends_with("kept")).count(), 5, "{ended:?}");
    assert_eq!(ended.iter().filter(|h| *h == "add_weights#1 done").count(), 1, "{ended:?}");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[step(retries = 0)]
pub async fn look_up(n: u32) -> Result<Option<u32>> {
    ran("look_up", n);
    if n == 9 {
        Err(Failure::new("look_up", FailureKind::Failed, "not there"))
    } else {
        Ok(Some(n))
    }
}

#[workflow]
pub async fn correcting(n: u32) -> Result<u32> {
    let parts = gather_parts(n).await?;
    let found = look_up(n).await;
    // none of which is too heavy
    let weights = pgflow::map(parts, |part| weigh_part(part * 3 + 1)).await?;
    let more = if n > 1_000_000 { add_weights(weights).await? } else { 0 };
    #[id = "sum"]
    let sum = add_weights(vec![found.unwrap_or_default().unwrap_or(1), more]).await?;
    Ok(sum)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_with_another_result_of_a_step_that_is_kept() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "correcting").await;
    let mut run = flow.start::<correcting>(7).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 7);
    for (node, output, expected) in [
        ("look_out", json!(1), "it has `gather_parts`, `look_up`"),
        ("weigh_part", json!([1]), "only the result of a single step can be"),
        ("sum", json!(1), "its step runs again, so no old one is kept"),
        ("add_weights", json!(1), "it has none, as its arm was not taken"),
        (
            "look_up",
            json!("x"),
            "the new result of `look_up`: .: invalid type: string \"x\", expected u32",
        ),
        ("look_up", json!("x".repeat(5 << 20)), "store it elsewhere and pass where"),
    ] {
        let retry = flow.retry(run.id(), "eve").from("sum").output(node, &output);
        let error = retry.await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1, "nothing is left of them");
    for (output, expected) in [(json!(50), 50), (json!(null), 1), (json!(3), 3)] {
        let retry = flow.retry(run.id(), "eve").from("sum").output("look_up", &output);
        run = flow.run(retry.await.unwrap());
        assert_eq!(run.output().await.unwrap(), expected);
    }
    let status = run.status().await.unwrap();
    let mut kept = history(&status);
    kept.retain(|line| line.starts_with("look_up"));
    assert_eq!(kept, ["look_up#3 kept", "look_up#4 kept"], "the one before stays");
    assert_eq!(ran("look_up", 7), 2, "the second is this count");
    // a failure that was tolerated too
    let failed = flow.start::<correcting>(9).await.unwrap();
    assert_eq!(failed.output().await.unwrap(), 1);
    let mended = flow.retry(failed.id(), "eve").from("sum").output("look_up", &90).await.unwrap();
    assert_eq!(flow.run::<correcting>(mended).output().await.unwrap(), 90);
    assert_eq!(flow.retry(failed.id(), "eve").from("sum").await.unwrap(), mended);
    let before = flow.retry(failed.id(), "eve").from("sum").input(&8).await.unwrap_err();
    assert!(
        matches!(before, RetryError::Before { repeated, .. } if repeated == mended),
        "{before}"
    );
    let noted = r#"select count(*) from pgflow.audit where detail @> '{"from": "sum", "outputs": ["look_up"]}'"#;
    assert_eq!(db.count(noted).await, 4);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

static GATE: Notify = Notify::const_new();

#[step]
pub async fn wait_for_the_gate(n: u32) -> Result<u32> {
    GATE.notified().await;
    Ok(n + 1)
}

#[step]
pub async fn after_the_gate(n: u32) -> Result<u32> {
    ran("after_the_gate", n);
    Ok(n * 2)
}

#[workflow(timeout = "10m")]
pub async fn gated(n: u32) -> Result<u32> {
    let passed = wait_for_the_gate(n).await?;
    let left = after_the_gate(passed).await?;
    let right = weigh_part(passed).await?;
    Ok(left + right)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_finishes_what_is_under_way_and_goes_on_when_resumed() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "gated").await;
    let run = flow.start::<gated>(6).await.unwrap();
    db.until("select count(*) from pgflow.task where worker_id is not null", 1).await;
    assert!(flow.pause(run.id(), "carol").await.unwrap());
    assert!(!flow.pause(run.id(), "carol").await.unwrap());
    GATE.notify_one();
    db.until("select count(*) from pgflow.attempt where status = 1", 1).await;
    db.until("select count(*) from pgflow.task where paused and worker_id is null", 2).await;
    assert_eq!(db.count("select count(*) from pgflow.task where ready_in is not null").await, 0);
    let deadline = "select extract(epoch from deadline - created_at)::bigint from pgflow.run";
    // a minute of pause, as the database would see it
    sqlx::query("update pgflow.pause set at = at - interval '1 minute'")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    assert!(flow.resume(run.id(), "carol").await.unwrap());
    assert!(!flow.resume(run.id(), "carol").await.unwrap());
    assert_eq!(run.output().await.unwrap(), 14 + 70);
    assert!(db.count(deadline).await >= 660);
    assert_eq!(ran("after_the_gate", 7), 2, "the second is this count");
    let error = flow.pause(run.id(), "carol").await.unwrap_err();
    assert!(matches!(error, ActionError::Ended(_)), "{error}");
    assert_eq!(run.status().await.unwrap().state, RunState::Completed);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[workflow]
pub async fn asking_for_weights(_n: u32) -> Result<u32> {
    let more = pgflow::signal::<Vec<u32>>("weights").await?;
    add_weights(more).await
}

/// Everything that an action may change, as one text.
async fn all_there_is(db: &Database) -> String {
    let all = "select jsonb_build_array(\
        (select jsonb_agg(to_jsonb(r) order by r.id) from pgflow.run r), \
        (select jsonb_agg(to_jsonb(k) order by k.run_id, k.lane, k.elem) from pgflow.task k), \
        (select jsonb_agg(to_jsonb(k)) from pgflow.run_key k), (select jsonb_agg(to_jsonb(g)) from pgflow.signal g), \
        (select jsonb_agg(to_jsonb(p)) from pgflow.pause p), (select jsonb_agg(to_jsonb(u)) from pgflow.audit u))::text";
    sqlx::query_scalar(all).fetch_one(&mut db.sql().await).await.unwrap()
}

/// From then on no action is written down, or only so many of `prune`.
async fn refuse_audits(db: &Database, prunes: u32) {
    let refuse = format!(
        "create function public.refuse() returns trigger language plpgsql as $$ begin \
           if (select count(*) from pgflow.audit where action = 'prune') < {prunes} then return new; end if; \
           raise exception 'nothing is written down' using errcode = 'check_violation'; end $$; \
         create trigger refuse before insert on pgflow.audit for each row execute function public.refuse()"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(refuse)).execute(&mut db.sql().await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_down_is_not_done() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = async || flow.start::<asking_for_weights>(1).await.unwrap().id();
    let (live, paused, ended) = (run().await, run().await, run().await);
    assert!(flow.pause(paused, "ann").await.unwrap());
    assert!(flow.cancel(ended, "ann").await.unwrap());
    let start = || flow.start_named("asking_for_weights", pgflow::Json::encode(&4).unwrap(), "ann");
    let before = all_there_is(&db).await;
    refuse_audits(&db, 0).await;
    flow.pause(live, "ann").await.unwrap_err();
    flow.resume(paused, "ann").await.unwrap_err();
    flow.signal(live, "weights", &[1, 2], "ann").await.unwrap_err();
    flow.cancel(live, "ann").await.unwrap_err();
    flow.retry(ended, "ann").await.unwrap_err();
    flow.prune(Duration::ZERO, "ann").await.unwrap_err();
    start().key("fourth").await.unwrap_err();
    assert_eq!(all_there_is(&db).await, before);

    sqlx::raw_sql("drop function public.refuse() cascade")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    let fourth = start().key("fourth").await.unwrap();
    assert_eq!(start().key("fourth").await.unwrap(), fourth);
    assert!(flow.pause(live, "ann").await.unwrap() && !flow.pause(live, "bob").await.unwrap());
    assert!(flow.resume(live, "bob").await.unwrap() && !flow.resume(live, "ann").await.unwrap());
    assert!(flow.signal(live, "weights", &[1, 2], "eve").await.unwrap());
    assert!(!flow.signal(live, "weights", &[1, 2], "ann").await.unwrap());
    assert!(flow.cancel(live, "dan").await.unwrap() && !flow.cancel(live, "ann").await.unwrap());
    let done = async |run| {
        let audits = flow.audits(run).await.unwrap();
        audits.into_iter().map(|a| format!("{} {}", a.actor, a.action)).collect::<Vec<_>>()
    };
    assert_eq!(done(live).await, ["ann pause", "bob resume", "eve signal", "dan cancel"]);
    assert_eq!(done(fourth).await, ["ann start"]);
    let seen = "select count(*) from pgflow.audits where run_id = 1 and actor = 'eve' and detail = '{\"signal\": \"weights\"}'";
    assert_eq!(db.count(seen).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_batch_of_pruned_runs_is_written_down_with_it() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let live = flow.start::<asking_for_weights>(1).await.unwrap();
    let old = "insert into pgflow.run (workflow_id, state, created_at, ended_at, input, error) \
        select 1, 3, pgflow.clock() - interval '2 days', pgflow.clock() - interval '2 days', 'null', '{}' from generate_series(1, 1500)";
    sqlx::raw_sql(old).execute(&mut db.sql().await).await.unwrap();
    refuse_audits(&db, 1).await;
    let day = Duration::from_hours(24);
    flow.prune(day, "dan").await.unwrap_err();
    let left = "select count(*) from pgflow.run";
    let noted = "select sum((detail ->> 'removed')::bigint)::bigint from pgflow.audit where actor = 'dan' and detail -> 'older_than_s' = '86400'";
    assert_eq!((db.count(left).await, db.count(noted).await), (501, 1_000));
    sqlx::raw_sql("drop function public.refuse() cascade")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    assert_eq!(flow.prune(day, "dan").await.unwrap(), 500);
    assert_eq!((db.count(left).await, db.count(noted).await), (1, 1_500));
    assert!(flow.status(live.id()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_removes_what_else_is_old_and_keeps_what_is_open_or_belongs_to_a_run() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let live = flow.start::<asking_for_weights>(1).await.unwrap().id();
    flow.pause(live, "ann").await.unwrap();
    let old = "insert into pgflow.audit (actor, action, run_id) values ('gone', 'pause', 999), ('nobody', 'prune', null); \
        update pgflow.audit set at = at - interval '2 days'; \
        insert into pgflow.audit (actor, action, run_id) values ('young', 'pause', 999); \
        insert into pgflow.alert (kind, subject, detail, raised_at, cleared_at) \
          select 'failing', s, '', pgflow.clock() - interval '3 days', case s when 'open' then null when 'old' then pgflow.clock() - interval '2 days' else pgflow.clock() end \
          from unnest(array['open', 'old', 'young']) s";
    sqlx::raw_sql(old).execute(&mut db.sql().await).await.unwrap();
    assert_eq!(flow.prune(Duration::from_hours(24), "dan").await.unwrap(), 0);
    let names = async |sql: &'static str| -> Vec<String> {
        sqlx::query_scalar(sql).fetch_all(&mut db.sql().await).await.unwrap()
    };
    assert_eq!(names("select actor from pgflow.audit order by 1").await, ["ann", "young"]);
    assert_eq!(names("select subject from pgflow.alert order by 1").await, ["open", "young"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_removes_old_ended_runs_with_all_that_hangs_on_them_and_never_a_live_one() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "weighing").await;
    let old = flow.start::<weighing>(400).key("old").await.unwrap();
    old.output().await.unwrap_err();
    let second = flow.retry(old.id(), "dan").await.unwrap();
    flow.run::<weighing>(second).output().await.unwrap();
    worker.drain(PATIENCE).await;
    let live = flow.start::<weighing>(500).await.unwrap();
    let age = "update pgflow.run set created_at = created_at - interval '2 days', ended_at = ended_at - interval '2 days'";
    sqlx::query(age).execute(&mut db.sql().await).await.unwrap();
    let young = flow.start::<weighing>(600).await.unwrap();
    young.cancel("dan").await.unwrap();
    assert_eq!(flow.prune(Duration::from_hours(24), "dan").await.unwrap(), 2);
    assert_eq!(flow.prune(Duration::from_hours(24), "dan").await.unwrap(), 0);
    assert!(flow.status(old.id()).await.unwrap().is_none());
    assert!(flow.status(live.id()).await.unwrap().is_some());
    assert!(flow.status(young.id()).await.unwrap().is_some());
    for left in [
        "select count(*) from pgflow.attempt a where not exists (select from pgflow.run r where r.id = a.run_id)",
        "select count(*) from pgflow.run_key where key = 'old'",
        "select count(*) from pgflow.failure where kind <> 'cancelled'",
    ] {
        assert_eq!(db.count(left).await, 0, "{left}");
    }
    db.check_invariants().await;
}

/// One of which at a time may be under way.
#[workflow(concurrency = 1)]
pub async fn weighed_alone(n: u32) -> Result<u32> {
    let weight = weigh_part(n).await?;
    let more = pgflow::signal::<u32>("more").await?;
    Ok(weight + more)
}

#[workflow]
pub async fn weighed_by_a_child(n: u32) -> Result<u32> {
    pgflow::child(weighing(n)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_under_way_a_child_and_one_for_which_there_is_no_room_are_not_repeated() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let served = ["weighed_alone", "weighed_by_a_child", "weighing"];
    let worker = flow.worker().only(served).spawn().await.unwrap();
    // 3,000 is too heavy the first time
    let failed = flow.start::<weighed_alone>(3_000).await.unwrap();
    failed.output().await.unwrap_err();
    let live = flow.start::<weighed_alone>(3_001).await.unwrap();
    // the wait, and the end that waits for it
    let waits = "select count(*) from pgflow.task where num_nonnulls(ready_in, worker_id) = 0";
    db.until(waits, 2).await;
    let error = flow.retry(live.id(), "fay").await.unwrap_err();
    assert!(matches!(error, RetryError::Live(run) if run == live.id()), "{error}");
    let error = flow.retry(live.id(), "fay").from("weigh_part").await.unwrap_err();
    assert!(matches!(error, RetryError::Live(run) if run == live.id()), "{error}");
    let error = flow.retry(failed.id(), "fay").await.unwrap_err();
    assert!(matches!(error, RetryError::Full(run) if run == failed.id()), "{error}");
    let parent = flow.start::<weighed_by_a_child>(3_010).await.unwrap();
    parent.output().await.unwrap_err();
    let child = "select id from pgflow.run where parent_run is not null";
    let child = pgflow::RunId(db.count(child).await);
    let error = flow.retry(child, "fay").await.unwrap_err();
    assert!(
        matches!(error, RetryError::Child { run, parent: of } if run == child && of == parent.id()),
        "{error}"
    );
    assert_eq!(db.count("select count(*) from pgflow.run where origin is not null").await, 0);
    assert_eq!(db.count("select count(*) from pgflow.audit where action = 'retry'").await, 0);
    // each is, where what hindered it is over
    live.signal("more", &1, "fay").await.unwrap();
    assert_eq!(live.output().await.unwrap(), 30_011);
    let again = flow.retry(failed.id(), "fay").await.unwrap();
    flow.signal(again, "more", &2, "fay").await.unwrap();
    assert_eq!(flow.run::<weighed_alone>(again).output().await.unwrap(), 30_002);
    let again = flow.retry(parent.id(), "fay").await.unwrap();
    let weights = (3_010..3_014).sum::<u32>() * 10;
    assert_eq!(flow.run::<weighed_by_a_child>(again).output().await.unwrap(), weights);
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}
