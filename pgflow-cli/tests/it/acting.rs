//! Commands that act: cancel, pause, resume, retry, signal, prune; each with its audit row.

use serde_json::json;
use sqlx::Row;

use crate::{
    hosting::hosted,
    operator::pgflow,
    support::{Database, PATIENCE, worker},
    workflows::{holding, letter_v1, survey},
};

/// What was done, as `actor action run`.
async fn audit(db: &Database) -> Vec<String> {
    let rows = sqlx::query("select actor, action, run_id from pgflow.audit order by id")
        .fetch_all(&mut db.sql().await)
        .await
        .unwrap();
    let line = |row: &sqlx::postgres::PgRow| {
        let run: Option<i64> = row.get("run_id");
        format!(
            "{} {} {}",
            row.get::<String, _>("actor"),
            row.get::<String, _>("action"),
            run.unwrap_or(0)
        )
    };
    rows.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn actions_are_done_once_and_written_down_with_their_actor() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start::<survey>("four".into()).key("order 7").await.unwrap();
    assert_eq!(pgflow(&db, &["pause", "order 7"]).await.text(), "run 1 is paused\n");
    assert_eq!(pgflow(&db, &["pause", "1"]).await.text(), "run 1 was paused before\n");
    assert_eq!(
        pgflow(&db, &["resume", "1", "--json"]).await.json(),
        json!({ "action": "resume", "runs": [{ "run": 1, "changed": true }] })
    );
    let signal = ["signal", "1", "approve", "\"Ann\"", "--actor", "bob"];
    assert_eq!(pgflow(&db, &signal).await.text(), "run 1 has signal `approve`\n");
    assert_eq!(pgflow(&db, &signal).await.text(), "run 1 had signal `approve` before\n");
    let other = pgflow(&db, &["signal", "1", "approve", "\"Eve\""]).await;
    assert_eq!(other.status, 4);
    assert!(other.err.contains("the first one stays"), "{}", other.err);
    let unknown = pgflow(&db, &["signal", "1", "aprove"]).await;
    assert_eq!(unknown.status, 3);
    assert!(unknown.err.contains("it waits for `approve`"), "{}", unknown.err);
    let unsure = pgflow(&db, &["cancel", "1"]).await;
    assert_eq!(unsure.status, 4);
    assert_eq!(unsure.err, "error: this ends run 1 of `survey`; confirm it with --yes\n");
    assert_eq!(pgflow(&db, &["cancel", "1", "--yes"]).await.text(), "run 1 is cancelled\n");
    assert_eq!(pgflow(&db, &["cancel", "1", "--yes"]).await.text(), "run 1 had ended before\n");
    assert_eq!(pgflow(&db, &["pause", "1"]).await.status, 4);
    assert_eq!(audit(&db).await, ["ann pause 1", "ann resume 1", "bob signal 1", "ann cancel 1"]);
    let status = pgflow(&db, &["status", "1"]).await.text();
    let done: Vec<&str> =
        status.lines().filter_map(|line| Some(line.split_once(" at 2")?.0)).collect();
    assert_eq!(
        done,
        ["pause by ann", "resume by ann", "signal `approve` by bob", "cancel by ann"],
        "{status}"
    );
    let status = pgflow(&db, &["status", "1", "--json"]).await.json();
    assert_eq!(status["audit"][2]["detail"], json!({ "signal": "approve" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_from_a_node_and_with_another_input_that_was_checked() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    let run = flow.start::<survey>("bad".into()).await.unwrap();
    run.output().await.unwrap_err();
    let node = pgflow(&db, &["retry", "1", "--from", "fetsh"]).await;
    assert_eq!(node.status, 3);
    assert!(node.err.contains("it has `fetch`, `parse_page`"), "{}", node.err);
    let file = std::env::temp_dir().join(format!("pgflow-input-{}.json", std::process::id()));
    std::fs::write(&file, "\"good\"").unwrap();
    let path = file.to_str().unwrap();
    let answer = pgflow(&db, &["retry", "1", "--from", "fetch", "--input", path, "--json"]).await;
    assert_eq!(answer.json(), json!({ "run": 2, "repeats": 1 }));
    std::fs::remove_file(file).unwrap();
    flow.signal(pgflow::RunId(2), "approve", &"Ann", "ann").await.unwrap();
    let output = flow.run::<survey>(pgflow::RunId(2)).output().await.unwrap();
    assert_eq!(output, "4 pages by Ann");
    let why = pgflow(&db, &["why", "1"]).await.text();
    assert!(why.contains("page 2 is empty") && why.ends_with("; repeated as run 2\n"), "{why}");
    worker.drain(PATIENCE).await;
    assert_eq!(audit(&db).await, ["ann retry 1", "ann signal 2"]);
    let status = pgflow(&db, &["status", "1"]).await.text();
    assert!(status.contains("\nretry as run 2 by ann at 2"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_repeated_with_another_result_of_a_step_that_a_host_checks_by_its_type() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "letter").await;
    let run = flow.start::<letter_v1>("Bob".into()).await.unwrap();
    run.signal("approve", &"Ann", "ann").await.unwrap();
    assert_eq!(run.output().await.unwrap(), "Bob by Ann");
    let file = std::env::temp_dir().join(format!("pgflow-output-{}.json", std::process::id()));
    let replaced = format!("announce={}", file.display());
    let retry = ["retry", "1", "--from", "signal:approve", "--json", "--output", &replaced];
    std::fs::write(&file, "5").unwrap();
    let refused = hosted(&db, &retry).await;
    let expected = "the new result of `announce`: .: invalid type: integer `5`, expected a string";
    assert_eq!(refused.status, 4);
    assert!(refused.err.contains(expected), "{}", refused.err);
    let refused = pgflow(&db, &retry).await;
    let expected = "the new result of `announce`: .: a number, expected a text";
    assert!(refused.status == 4 && refused.err.contains(expected), "{}", refused.err);
    std::fs::write(&file, "\"Eve\"").unwrap();
    assert_eq!(pgflow(&db, &retry).await.json(), json!({ "run": 2, "repeats": 1 }));
    assert_eq!(flow.run::<letter_v1>(pgflow::RunId(2)).output().await.unwrap(), "Eve by Ann");
    let before = pgflow(&db, &retry).await;
    assert_eq!(before.status, 4);
    assert!(before.err.contains("run 1 was repeated before, as run 2"), "{}", before.err);
    std::fs::remove_file(file).unwrap();
    assert_eq!(pgflow(&db, &["retry", "1", "--output", "announce"]).await.status, 2);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_of_another_shape_is_refused_before_anything_is_repeated() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let run = flow.start::<holding>(("never".into(), 1)).await.unwrap();
    run.cancel("ann").await.unwrap();
    let file = std::env::temp_dir().join(format!("pgflow-wrong-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"name": "x", "amount": -1}"#).unwrap();
    let answer = pgflow(&db, &["retry", "1", "--input", file.to_str().unwrap()]).await;
    let expected = "error: the new input: amount: the number is no `u32`\n";
    assert_eq!((answer.status, answer.err.as_str()), (4, expected));
    std::fs::write(&file, r#"{"name": "x"}"#).unwrap();
    let answer = pgflow(&db, &["retry", "1", "--input", file.to_str().unwrap()]).await;
    std::fs::remove_file(file).unwrap();
    assert_eq!(answer.status, 4);
    assert!(answer.err.contains("`amount` is missing"), "{}", answer.err);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_counts_first_and_needs_a_yes() {
    let db = Database::new().await;
    let flow = db.flow().await;
    for run in flow.start_many::<survey>(["a".into(), "b".into()]).await.unwrap() {
        run.cancel("ann").await.unwrap();
    }
    let old = "update pgflow.run set created_at = created_at - interval '40 d', ended_at = ended_at - interval '40 d' where id = 1";
    sqlx::raw_sql(old).execute(&mut db.sql().await).await.unwrap();
    let dry = pgflow(&db, &["prune", "--older-than", "30d", "--dry-run", "--json"]).await;
    assert_eq!(dry.json(), json!({ "would_remove": 1 }));
    let unsure = pgflow(&db, &["prune", "--older-than", "30d"]).await;
    assert_eq!(unsure.status, 4);
    let expected = "error: this removes 1 run that ended 30 d ago or earlier for ever; confirm it with --yes\n";
    assert_eq!(unsure.err, expected);
    assert_eq!(db.count("select count(*) from pgflow.run").await, 2);
    assert_eq!(
        pgflow(&db, &["prune", "--older-than", "30d", "--yes"]).await.text(),
        "removed 1 run\n"
    );
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1);
    assert_eq!(audit(&db).await.last().unwrap(), "ann prune 0");
}
