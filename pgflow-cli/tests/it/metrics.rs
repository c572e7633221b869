//! `metrics`: the whole database for people, programs and Prometheus.

use insta::assert_snapshot;
use pgflow::metrics::{METRICS, Source};
use serde_json::json;

use crate::{
    operator::{pgflow, timeless_text},
    support::{Database, PATIENCE},
    workflows::{gate, holding, survey},
};

/// Two runs that completed, one that failed, one that was cancelled, one that waits.
pub async fn eventful() -> Database {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["holding", "survey"]).spawn().await.unwrap();
    for n in 0..2 {
        gate("measured").notify_one();
        flow.start::<holding>(("measured".into(), n)).await.unwrap().output().await.unwrap();
    }
    flow.start::<survey>("bad".into()).await.unwrap().output().await.unwrap_err();
    worker.drain(PATIENCE).await;
    flow.start::<holding>(("cancelled".into(), 1)).await.unwrap().cancel("ann").await.unwrap();
    flow.start::<holding>(("waits".into(), 1)).await.unwrap();
    let mut sql = db.sql().await;
    sqlx::raw_sql(
        "insert into pgflow.alert (kind, subject, detail) values ('unserved', 'holding@1 hold', 'no live worker serves it'); \
         insert into pgflow.pool (name, declared) values ('step:train', 2); insert into pgflow.slot (pool, n, run_id) values (1, 1, 7), (1, 2, null)",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_say_how_the_hour_went_and_what_waits() {
    let db = eventful().await;
    let shown = timeless_text(&pgflow(&db, &["metrics"]).await.text());
    // how many pages were parsed before the run failed is by chance
    let shown: Vec<&str> = shown.lines().filter(|line| !line.contains("parse_page")).collect();
    assert_snapshot!("metrics", shown.join("\n"));
    let told = pgflow(&db, &["metrics", "--json"]).await.json();
    assert_eq!(
        told["runs"][0],
        json!({ "workflow": "holding", "completed": 2, "failed": 0, "cancelled": 1, "timed_out": 0,
                "per_minute": 0.05, "error_rate": 0.0 })
    );
    assert_eq!(told["runs"][1]["error_rate"], 1.0);
    let whole = &told["nodes"][0];
    assert_eq!((&whole["node"], &whole["completed"]), (&json!(null), &json!(2)));
    assert!(whole["p95_ms"].as_u64().unwrap() > 0, "{whole}");
    let queue = &told["queues"][0];
    assert_eq!(
        (&queue["node"], &queue["kind"], &queue["ready"]),
        (&json!("hold"), &json!("step"), &json!(1))
    );
    assert_eq!(told["limits"], json!([{ "limit": "step:train", "slots": 2, "held": 1 }]));
    assert_eq!(
        told["workers"],
        json!({ "alive": 0, "slots": 0, "slots_busy": 0, "gpus": 0, "wanted": 1 })
    );
    assert_eq!(told["alerts"][0]["subject"], "holding@1 hold");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_prometheus_is_told_is_in_the_table_of_metrics() {
    let db = eventful().await;
    let told = pgflow(&db, &["metrics", "--prometheus"]).await.text();
    for line in [
        r#"pgflow_queue_ready{workflow="holding",version="1",node="hold",kind="step"} 1"#,
        r#"pgflow_limit_slots_held{limit="step:train"} 1"#,
        "pgflow_workers_alive 0",
        r#"pgflow_alerts_open{kind="unserved"} 1"#,
        r#"pgflow_last_hour_runs{workflow="holding",state="cancelled"} 1"#,
        r#"pgflow_last_hour_step_attempts{workflow="survey",version="2",node="parse_page",outcome="failed"} 1"#,
    ] {
        assert!(told.lines().any(|said| said == line), "{line}\n{told}");
    }
    for metric in METRICS {
        let samples: Vec<&str> = told
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(metric.name))
            .collect();
        assert_eq!(samples.is_empty(), metric.source == Source::Worker, "{}\n{told}", metric.name);
        for sample in samples {
            let labels = metric.labels.iter().all(|label| sample.contains(&format!("{label}=\"")));
            assert!(labels && sample.matches("=\"").count() == metric.labels.len(), "{sample}");
        }
    }
    let both = pgflow(&db, &["metrics", "--prometheus", "--json"]).await;
    assert_eq!(both.status, 2, "{}", both.err);
}
