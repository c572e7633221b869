//! What holds tasks back: exclusive steps, memory, rates, GPUs of the dead; and what does not starve.

use std::{
    convert::Infallible,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pgflow::{Gpu, StepContext, StepTuning, Tuning, step, workflow};
use tokio::sync::{Barrier, Semaphore};

use crate::support::{Database, PATIENCE, Warnings, worker};

/// Counts how many are inside at once.
struct Room {
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Room {
    const fn new() -> Self {
        Self { inside: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    async fn visit(&self) {
        self.most.fetch_max(self.inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }

    fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

static EXCLUSIVE: Room = Room::new();

#[step(exclusive = "limits_printer")]
async fn print_first(n: u32) -> Result<u32, Infallible> {
    EXCLUSIVE.visit().await;
    Ok(n)
}

#[step(exclusive = "limits_printer", concurrency = 5)]
async fn print_second(n: u32) -> Result<u32, Infallible> {
    EXCLUSIVE.visit().await;
    Ok(n)
}

#[workflow]
async fn two_printers(n: u32) -> Result<usize, Infallible> {
    let first = pgflow::map((0..n).collect::<Vec<_>>(), print_first).await?;
    let second = pgflow::map((0..n).collect::<Vec<_>>(), print_second).await?;
    Ok(first.len() + second.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn exclusive_steps_of_one_name_run_alone_over_all_workers() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers =
        [worker(&flow, "two_printers").await, worker(&db.flow().await, "two_printers").await];
    assert_eq!(flow.start::<two_printers>(12).await.unwrap().output().await.unwrap(), 24);
    assert_eq!(EXCLUSIVE.most(), 1);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

static HEAVY: Room = Room::new();

#[step(memory = "3GiB")]
async fn heavy(n: u32) -> Result<u32, Infallible> {
    HEAVY.visit().await;
    Ok(n)
}

#[workflow]
async fn heavy_flow(n: u32) -> Result<usize, Infallible> {
    Ok(pgflow::map((0..n).collect::<Vec<_>>(), heavy).await?.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_admitted_against_what_the_worker_offers() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let small = flow.worker().only(["heavy_flow"]).memory(2 << 30).spawn().await.unwrap();
    let run = flow.start::<heavy_flow>(12).await.unwrap();
    db.until("select count(*) from pgflow.task where ready_in is not null and elem > 0", 12).await;
    let refusing = "select count(*) from pgflow.worker where offers ->> 'refuses' like '%`heavy` needs%memory%'";
    assert_eq!(db.count(refusing).await, 1, "the worker says what it cannot serve");
    let large = flow.worker().only(["heavy_flow"]).memory(7 << 30).spawn().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 12);
    assert!(HEAVY.most() <= 2, "{} at once", HEAVY.most());
    small.drain(PATIENCE).await;
    large.drain(PATIENCE).await;
}

#[step(rate_limit = "2/s")]
async fn rated(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn rated_flow(n: u32) -> Result<usize, Infallible> {
    Ok(pgflow::map((0..n).collect::<Vec<_>>(), rated).await?.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_holds_over_all_workers_by_the_databases_clock() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let workers = [worker(&flow, "rated_flow").await, worker(&db.flow().await, "rated_flow").await];
    assert_eq!(flow.start::<rated_flow>(5).await.unwrap().output().await.unwrap(), 5);
    // of any three starts in a row the last is a second or more after the first
    let too_fast = "select count(*) from (select started_at - lag(started_at, 2) over (order by started_at) d \
                    from pgflow.attempt where elem > 0) g where d < interval '1 second'";
    assert_eq!(db.count(too_fast).await, 0);
    for worker in workers {
        worker.drain(PATIENCE).await;
    }
}

#[step(gpu, retries = 0)]
async fn on_a_dying_worker(wait: bool) -> Result<u32, Infallible> {
    let context = StepContext::current();
    if wait && context.attempt() == 1 {
        context.cancelled().await;
    }
    Ok(context.attempt())
}

#[workflow]
async fn gpu_of_the_dead(wait: bool) -> Result<u32, Infallible> {
    on_a_dying_worker(wait).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_holders_gpu_comes_back_when_its_lease_runs_out() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let gpu = || {
        vec![Gpu { index: 0, uuid: "GPU-dead".into(), name: "test".into(), memory_bytes: 1 << 30 }]
    };
    let worker = flow.worker().only(["gpu_of_the_dead"]).gpus(gpu()).spawn().await.unwrap();
    let run = flow.start::<gpu_of_the_dead>(true).await.unwrap();
    db.until("select count(*) from pgflow.slot where run_id is not null", 1).await;
    // what time would do to a worker that is gone
    sqlx::query("update pgflow.worker set lease_until = now() - interval '1 second'")
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    db.count("select pgflow.recover_1()::bigint").await;
    db.until("select count(*) from pgflow.attempt where status = 4", 1).await;
    assert_eq!(run.output().await.unwrap(), 2, "the next attempt got the device");
    worker.drain(PATIENCE).await;
}

static BUSY: AtomicUsize = AtomicUsize::new(0);

#[step(concurrency = 1)]
async fn busy_step(n: u32) -> Result<u32, Infallible> {
    BUSY.fetch_add(1, Ordering::SeqCst);
    Ok(n)
}

#[workflow]
async fn busy_flow(n: u32) -> Result<u32, Infallible> {
    busy_step(n).await
}

#[step]
async fn light_step(n: u32) -> Result<usize, Infallible> {
    let _ = n;
    Ok(BUSY.load(Ordering::SeqCst))
}

#[workflow]
async fn light_flow(n: u32) -> Result<usize, Infallible> {
    light_step(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_step_does_not_starve_another() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let _busy = flow.start_many::<busy_flow>(0..400).await.unwrap();
    let light = flow.start::<light_flow>(1).await.unwrap();
    let worker = flow.worker().only(["busy_flow", "light_flow"]).spawn().await.unwrap();
    let before = light.output().await.unwrap();
    assert!(before < 400, "it ran after {before} of 400 that came before it");
    db.until("select count(*) from pgflow.run where state = 0", 0).await;
    worker.drain(PATIENCE).await;
}

#[step]
async fn note_order(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn ordered_flow(n: u32) -> Result<u32, Infallible> {
    note_order(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_low_priority_that_waited_long_enough_goes_before_a_younger_high_one() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let old = flow.start::<ordered_flow>(1).await.unwrap();
    let young = flow.start::<ordered_flow>(2).priority(1).await.unwrap();
    // a level is a head start of a minute: two minutes of waiting outweigh it
    sqlx::query("update pgflow.task set rank = rank - 120 * 1000000::bigint where run_id = $1")
        .bind(old.id().0)
        .execute(&mut db.sql().await)
        .await
        .unwrap();
    let worker = flow.worker().only(["ordered_flow"]).slots(1).spawn().await.unwrap();
    young.output().await.unwrap();
    let first = "select run_id from pgflow.attempt order by started_at limit 1";
    assert_eq!(db.count(first).await, old.id().0);
    worker.drain(PATIENCE).await;
}

#[step]
async fn slot_element(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow(concurrency = 1)]
async fn map_at_first(n: u32) -> Result<usize, Infallible> {
    Ok(pgflow::map((0..n).collect::<Vec<_>>(), slot_element).await?.len())
}

#[workflow(concurrency = 1)]
async fn nothing_but_a_value(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runs_slot_is_held_and_freed_whatever_comes_first_in_its_body() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["map_at_first", "nothing_but_a_value"]).spawn().await.unwrap();
    let mapped = flow.start_many::<map_at_first>([3, 0, 2]).await.unwrap();
    let values = flow.start_many::<nothing_but_a_value>([1, 2, 3]).await.unwrap();
    for (run, expected) in mapped.iter().zip([3, 0, 2]) {
        assert_eq!(run.output().await.unwrap(), expected);
    }
    for (run, expected) in values.iter().zip([2, 3, 4]) {
        assert_eq!(run.output().await.unwrap(), expected);
    }
    worker.drain(PATIENCE).await;
    assert_eq!(db.count("select count(*) from pgflow.slot where run_id is not null").await, 0);
}

#[step(concurrency = 4)]
async fn tuned_step(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow]
async fn tuned_flow(n: u32) -> Result<u32, Infallible> {
    tuned_step(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_limit_wins_until_the_same_operator_withdraws_it() {
    let db = Database::new().await;
    let size = "select coalesce(override, declared)::bigint from pgflow.pool where name = 'step:tuned_step'";
    let one = StepTuning { concurrency: Some(1), ..StepTuning::default() };
    let operator = Tuning::new("limits.toml");
    db.flow()
        .await
        .tuned(operator.clone().step("tuned_step", one))
        .start::<tuned_flow>(1)
        .await
        .unwrap();
    assert_eq!(db.count(size).await, 1);
    db.flow().await.start::<tuned_flow>(1).await.unwrap();
    assert_eq!(db.count(size).await, 1, "a process without tuning leaves it alone");
    let shown = "select count(*) from pgflow.limits where name = 'step:tuned_step' and size = 1 and declared = 4 and source = 'limits.toml'";
    assert_eq!(db.count(shown).await, 1);
    let limits = db.flow().await.load().await.unwrap().limits;
    let limit = limits.iter().find(|limit| limit.name == "step:tuned_step").unwrap();
    assert_eq!(limit.source.as_deref(), Some("limits.toml"));
    db.flow().await.tuned(operator.clone()).start::<tuned_flow>(1).await.unwrap();
    assert_eq!(db.count(size).await, 4, "the operator no longer says so");
    let unknown = db.flow().await.tuned(operator.step("tunned_step", one));
    let error = unknown.start::<tuned_flow>(1).await.map(|r| r.id()).unwrap_err().to_string();
    assert!(error.contains("limits.toml") && error.contains("`tunned_step`"), "{error}");
}

#[step(timeout = "20s")]
async fn fetch_timed(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[step(timeout = "30s")]
async fn weigh_timed(n: u32) -> Result<u32, Infallible> {
    Ok(n)
}

#[workflow(timeout = "1m")]
async fn timed_flow(n: u32) -> Result<u32, Infallible> {
    let fetched = fetch_timed(n).await?;
    pgflow::sleep(Duration::from_millis(1)).await;
    #[id = "weigh_fetched"]
    let weighed = weigh_timed(fetched).await?;
    Ok(weighed)
}

#[tokio::test]
async fn tuning_by_which_the_longest_path_does_not_fit_is_warned_of_with_the_path() {
    let db = Database::new().await;
    let warnings = Warnings::hear();
    let allow = |seconds| {
        let timeout = Some(Duration::from_secs(seconds));
        Tuning::new("limits.toml")
            .step("fetch_timed", StepTuning { timeout, ..StepTuning::default() })
    };
    let path = |warnings: &Warnings| {
        warnings.said().into_iter().filter(|said| said.contains("path")).collect::<Vec<_>>()
    };
    db.flow().await.tuned(allow(30)).start::<timed_flow>(1).await.unwrap();
    assert_eq!(path(&warnings), Vec::<String>::new());
    db.flow().await.tuned(allow(40)).start::<timed_flow>(1).await.unwrap();
    let expected = "`timed_flow` as tuned by limits.toml: the longest path needs 70s but the timeout is 60s: \
                    fetch_timed (40s) → weigh_fetched (30s)";
    assert_eq!(path(&warnings), [expected]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_transaction_of_the_host_locks_no_worker() {
    use sqlx::Connection;
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "tuned_flow").await;
    db.until("select count(*) from pgflow.worker where idle", 1).await;
    let mut sql = db.sql().await;
    let mut tx = sql.begin().await.unwrap();
    let run = flow.start::<tuned_flow>(5).on(&mut tx).await.unwrap();
    let free = "select count(*) from (select 1 from pgflow.worker for update skip locked) w";
    assert_eq!(db.count(free).await, 1);
    tx.commit().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 5);
    worker.drain(PATIENCE).await;
}

#[step(retries = 0)]
async fn tuned_to_try(n: u32) -> Result<u32, String> {
    match StepContext::current().attempt() {
        attempt @ 3.. => Ok(n + attempt),
        attempt => Err(format!("attempt {attempt}")),
    }
}

#[step(retries = 0)]
async fn tuned_to_time(n: u32) -> Result<u32, String> {
    let _ = n;
    std::future::pending().await
}

#[workflow]
async fn tuned_tries(n: u32) -> Result<u32, String> {
    tuned_to_try(n).await
}

#[workflow]
async fn tuned_times(n: u32) -> Result<u32, String> {
    tuned_to_time(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn tuned_retries_and_timeouts_take_effect_at_once_and_change_no_shape() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let untuned = worker(&flow, "tuned_tries").await;
    let run = flow.start::<tuned_tries>(10).await.unwrap();
    assert!(run.output().await.unwrap_err().to_string().contains("attempt 1"));
    untuned.drain(PATIENCE).await;
    let shape =
        "select count(distinct fingerprint) from pgflow.workflow where name = 'tuned_tries'";
    let tries = StepTuning {
        retries: Some(2),
        retry_delay: Some(Duration::from_millis(1)),
        ..StepTuning::default()
    };
    let times = StepTuning { timeout: Some(Duration::from_millis(50)), ..StepTuning::default() };
    let tuning = Tuning::new("tuned.toml").step("tuned_to_try", tries).step("tuned_to_time", times);
    let flow = db.flow().await.tuned(tuning);
    let tuned = flow.worker().only(["tuned_tries", "tuned_times"]).spawn().await.unwrap();
    assert_eq!(flow.start::<tuned_tries>(10).await.unwrap().output().await.unwrap(), 13);
    let error = flow.start::<tuned_times>(1).await.unwrap().output().await.unwrap_err().to_string();
    assert!(error.contains("`tuned_to_time` ran out of its 50ms"), "{error}");
    assert_eq!(db.count(shape).await, 1);
    tuned.drain(PATIENCE).await;
    db.check_invariants().await;
}

static SHRUNK: Semaphore = Semaphore::const_new(0);

#[step(concurrency = 3)]
async fn shrinking_step(n: u32) -> Result<u32, Infallible> {
    SHRUNK.acquire().await.unwrap().forget();
    Ok(n)
}

#[workflow]
async fn shrinking_flow(n: u32) -> Result<u32, Infallible> {
    shrinking_step(n).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_shrinks_lets_its_holders_end_and_no_more_begin_than_it_has_then() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "shrinking_flow").await;
    let runs = flow.start_many::<shrinking_flow>(0..6).await.unwrap();
    let held = "select count(*) from pgflow.slot where run_id is not null";
    db.until(held, 3).await;
    let one = StepTuning { concurrency: Some(1), ..StepTuning::default() };
    let tuning = Tuning::new("shrunk.toml").step("shrinking_step", one);
    let operator = db.flow().await.tuned(tuning.clone());
    let last = operator.start::<shrinking_flow>(6).await.unwrap();
    assert_eq!(db.count(held).await, 3, "what runs goes on");
    let done = "select count(*) from pgflow.attempt where status = 1";
    SHRUNK.add_permits(3);
    db.until(done, 3).await;
    for n in [4, 5, 6] {
        db.until(held, 1).await;
        let running = "select count(*) from pgflow.task where worker_id is not null";
        assert_eq!(db.count(running).await, 1, "one at a time");
        SHRUNK.add_permits(1);
        db.until(done, n).await;
    }
    SHRUNK.add_permits(1);
    for (n, run) in (0..).zip(runs.iter().chain([&last])) {
        assert_eq!(run.output().await.unwrap(), n);
    }
    worker.drain(PATIENCE).await;
    // retired when somebody registers again
    db.flow().await.tuned(tuning).start::<shrinking_flow>(7).await.unwrap();
    assert_eq!(db.count("select count(*) from pgflow.slot").await, 1);
}

static MET: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));

/// Ends only beside another.
#[step(exclusive = "limits_by_hand", priority = 7)]
async fn meet_by_hand(n: u32) -> Result<u32, Infallible> {
    MET.wait().await;
    Ok(n)
}

#[step(rate_limit = "1/h", priority = -7)]
async fn hourly_by_hand(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[workflow]
async fn limited_by_hand(n: u32) -> Result<u32, Infallible> {
    let met = meet_by_hand(n).await?;
    let once = hourly_by_hand(met).await?;
    #[id = "again"]
    let twice = hourly_by_hand(once).await?;
    Ok(twice)
}

#[tokio::test]
async fn limits_are_the_engines_and_hold_no_plain_call_back() {
    let both = async { tokio::join!(limited_by_hand(1), limited_by_hand(10)) };
    let (one, ten) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!((one.unwrap(), ten.unwrap()), (3, 12));
}
