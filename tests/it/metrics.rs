//! Metrics: what workers record agrees with the table.

use std::{collections::BTreeSet, sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use pgflow::{
    AlertRules, Failure, FailureKind, Gpu, Metrics, StepContext,
    metrics::{BUCKETS, Kind, METRICS, Source},
    step, workflow,
};
use sqlx::Connection;
use tokio::sync::Semaphore;

use crate::support::{Database, PATIENCE};

type Result<T> = std::result::Result<T, Failure>;

/// What holds the step with the GPU.
static DOOR: Semaphore = Semaphore::const_new(0);

#[step(retries = 1, retry_delay = "5ms")]
pub async fn weigh(n: u32) -> Result<u32> {
    let refuse = |why: &str| Err(Failure::new("weigh", FailureKind::Failed, why));
    match n {
        0 => refuse("nothing to weigh"),
        1 if StepContext::current().attempt() == 1 => refuse("not yet"),
        _ => Ok(n),
    }
}

#[step(gpu)]
pub async fn weigh_with_gpu(n: u32) -> Result<u32> {
    DOOR.acquire().await.unwrap().forget();
    Ok(n)
}

#[workflow(version = 3)]
pub async fn weighing(n: u32) -> Result<u32> {
    weigh(n).await
}

#[workflow]
pub async fn weighing_with_gpu(n: u32) -> Result<u32> {
    weigh_with_gpu(n).await
}

#[workflow]
pub async fn never_weighed(n: u32) -> Result<u32> {
    weigh(n).await
}

/// The recorder of this process.
fn recorder() -> &'static PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER.get_or_init(|| {
        let mut builder = PrometheusBuilder::new();
        for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Histogram) {
            let matcher = Matcher::Full(metric.name.into());
            builder = builder.set_buckets_for_metric(matcher, &BUCKETS).unwrap();
        }
        builder.install_recorder().unwrap()
    })
}

/// Waits until all of these lines are among what is told.
async fn told(db: &Database, lines: &[&str]) -> String {
    let tells = async || {
        let text = recorder().render();
        lines.iter().all(|line| text.lines().any(|told| told == *line)).then_some(text)
    };
    let told = db.until_some(tells).await;
    told.unwrap_or_else(|| panic!("never all of {lines:#?}:\n{}", recorder().render()))
}

/// Name and labels of each series, without what histograms add.
fn series(text: &str) -> BTreeSet<(String, Vec<String>)> {
    let samples = text.lines().filter(|line| line.starts_with("pgflow_"));
    let of = |line: &str| {
        let (name, rest) = line.split_once(['{', ' ']).unwrap();
        let labels = rest.split_once('}').map_or("", |(labels, _)| labels);
        let labels = labels.split(',').filter_map(|label| label.split_once('='));
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le");
        (base.unwrap_or(name).to_owned(), labels.collect())
    };
    samples.map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_records_every_metric_of_its_table_with_its_labels() {
    recorder();
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start_many::<never_weighed>([1, 2]).await.unwrap();
    let mut sql = db.sql().await;
    sqlx::raw_sql(
        "insert into pgflow.worker (id, name, lease_until, offers) values (-1, 'dead', pgflow.clock() - interval '1 min', '{}'); \
         update pgflow.task set worker_id = -1, ready_in = null, started_at = ready_at where run_id = 2",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    let mut rules = AlertRules::default();
    rules.every = Duration::from_millis(100);
    let gpu =
        Gpu { index: 0, uuid: "GPU-weigh".into(), name: "test".into(), memory_bytes: 1 << 30 };
    let builder = flow.worker().name("weigher").slots(7).gpus(vec![gpu]).alerts(rules);
    let served = ["weighing", "weighing_with_gpu"];
    let worker = builder.observer(Metrics::new()).only(served).spawn().await.unwrap();

    for run in flow.start_many::<weighing>([0, 1, 2]).await.unwrap() {
        let _ = run.output().await;
    }
    let held = flow.start::<weighing_with_gpu>(4).await.unwrap();
    told(
        &db,
        &[
            "pgflow_worker_slots 7",
            "pgflow_worker_slots_busy 1",
            "pgflow_worker_gpus 1",
            "pgflow_worker_gpus_busy 1",
            r#"pgflow_queue_ready{workflow="never_weighed",version="1",node="weigh",kind="step"} 2"#,
            r#"pgflow_limit_slots{limit="gpu:GPU-weigh"} 1"#,
            r#"pgflow_alerts_raised_total{kind="unserved"} 1"#,
            r#"pgflow_alerts_open{kind="unserved"} 1"#,
            "pgflow_tasks_recovered_total 1",
            "pgflow_workers_alive 1",
            "pgflow_workers_slots 7",
            "pgflow_workers_wanted 1",
        ],
    )
    .await;
    // as if another worker had taken it over, while its result is on the way
    let mut taking = sql.begin().await.unwrap();
    sqlx::query("update pgflow.task set epoch = epoch + 1 where run_id = $1")
        .bind(held.id().0)
        .execute(&mut *taking)
        .await
        .unwrap();
    DOOR.add_permits(1);
    let blocked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    db.until(blocked, 1).await;
    taking.commit().await.unwrap();
    let node = r#"workflow="weighing_with_gpu",version="1",node="weigh_with_gpu""#;
    told(&db, &[&format!("pgflow_results_refused_total{{{node}}} 1")]).await;
    db.expire("weigher").await;
    told(&db, &["pgflow_worker_lease_losses_total 1"]).await;
    worker.drain(PATIENCE).await;

    let node = r#"workflow="weighing",version="3",node="weigh""#;
    let text = told(
        &db,
        &[
            &format!(r#"pgflow_step_attempts_total{{{node},outcome="done"}} 2"#),
            &format!(r#"pgflow_step_attempts_total{{{node},outcome="failed"}} 3"#),
            &format!("pgflow_step_retries_total{{{node}}} 2"),
            &format!(r#"pgflow_step_duration_seconds_count{{{node},outcome="failed"}} 3"#),
            &format!(r#"pgflow_step_queue_seconds_bucket{{{node},le="+Inf"}} 5"#),
            r#"pgflow_runs_ended_total{workflow="weighing",version="3",state="completed"} 2"#,
            r#"pgflow_runs_ended_total{workflow="weighing",version="3",state="failed"} 1"#,
            r#"pgflow_run_duration_seconds_count{workflow="weighing",version="3"} 2"#,
            // the worker that is gone holds nothing
            "pgflow_worker_slots 0",
            "pgflow_worker_gpus 0",
        ],
    )
    .await;
    let table: BTreeSet<(String, Vec<String>)> = METRICS
        .iter()
        .filter(|metric| metric.source != Source::LastHour)
        .map(|metric| (metric.name.into(), metric.labels.iter().map(|l| (*l).into()).collect()))
        .collect();
    assert_eq!(series(&text), table);
    for metric in METRICS.iter().filter(|metric| metric.source != Source::LastHour) {
        let described = format!("# HELP {} {}\n", metric.name, metric.description);
        assert!(text.contains(&described), "{described}");
    }
}
