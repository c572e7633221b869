//! Commands for deploys and for what scales workers: check, migrate, wanted.

use std::time::Duration;

use serde_json::json;

use crate::{
    hosting::hosted,
    operator::pgflow,
    support::{Database, PATIENCE, worker},
    workflows::{holding, letter, letter_v1, survey},
};

/// As if an older program had registered what is there: `survey` one version back, and another name for `letter`.
const OLDER: &str = r#"
    update pgflow.workflow set version = 1, definition = jsonb_set(definition, '{version}', '1') where name = 'survey';
    update pgflow.workflow set name = 'leaflet', definition = jsonb_set(definition, '{name}', '"leaflet"') where name = 'letter';
    update pgflow.node set workflow = 'leaflet' where workflow = 'letter'"#;

#[tokio::test(flavor = "multi_thread")]
async fn check_says_which_runs_go_on_which_move_and_which_need_the_old_program() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let none = hosted(&db, &["check"]).await;
    assert_eq!((none.status, none.out.contains("no run is under way\n")), (0, true));
    flow.start::<holding>(("x".into(), 1)).await.unwrap();
    flow.start::<survey>("four".into()).await.unwrap();
    flow.start::<letter>("x".into()).await.unwrap();
    sqlx::raw_sql(OLDER).execute(&mut db.sql().await).await.unwrap();
    let text = hosted(&db, &["check"]).await;
    assert_eq!(text.status, 6, "{}", text.err);
    let from = text.out.find("holding@1").unwrap_or_else(|| panic!("{}", text.out));
    insta::assert_snapshot!("check", &text.out[from..]);
    let answer = hosted(&db, &["check", "--json"]).await;
    let json = &answer.out[answer.out.find('{').unwrap()..];
    insta::assert_snapshot!("check_json", json);
    flow.cancel(pgflow::RunId(3), "ann").await.unwrap();
    assert_eq!(hosted(&db, &["check"]).await.status, 0);
    let alone = pgflow(&db, &["check"]).await;
    assert_eq!(alone.status, 4);
    assert!(alone.err.contains("run this command of the binary that is to be"), "{}", alone.err);
    assert_eq!(db.count("select count(*) from pgflow.workflow").await, 3, "nothing is registered");
    // a schema that is older or missing is no reason to refuse, and stays as it is
    let older = "update pgflow.meta set schema = 6, compatible = 2";
    sqlx::raw_sql(older).execute(&mut db.sql().await).await.unwrap();
    let answer = hosted(&db, &["check"]).await;
    assert!(answer.out.contains("holding@1: 1 under way\n"), "{}{}", answer.out, answer.err);
    assert_eq!(db.count("select schema::bigint from pgflow.meta").await, 6);
    sqlx::raw_sql("drop schema pgflow cascade").execute(&mut db.sql().await).await.unwrap();
    let answer = hosted(&db, &["check"]).await;
    assert!(answer.out.contains("no run is under way\n"), "{}{}", answer.out, answer.err);
    assert_eq!(db.count("select count(*) from pg_namespace where nspname = 'pgflow'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_moved_to_another_version_after_a_yes_and_those_that_stay_are_named() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "letter").await;
    let begun = flow.start::<letter_v1>("begun".into()).await.unwrap();
    db.until("select count(*) from pgflow.attempt", 1).await;
    let hour = Duration::from_secs(3_600);
    let delayed = flow.start::<letter_v1>("delayed".into()).after(hour).await.unwrap();
    let dry = pgflow(&db, &["migrate", "letter", "1", "2", "--dry-run", "--json"]).await;
    let reason = "it has begun `announce`, which is gone";
    let refused = json!([{ "reason": reason, "runs": 1, "examples": [begun.id().0] }]);
    assert_eq!(dry.status, 6);
    assert_eq!(dry.json(), json!({ "would_move": 1, "busy": 0, "refused": refused }));
    let unsure = pgflow(&db, &["migrate", "letter", "1", "2"]).await;
    let expected =
        "error: this moves 1 run of `letter` from version 1 to 2; confirm it with --yes\n";
    assert_eq!((unsure.status, unsure.err.as_str()), (4, expected));
    assert_eq!(delayed.status().await.unwrap().version, 1);
    let moved = pgflow(&db, &["migrate", "letter", "1", "2", "--yes"]).await;
    assert_eq!(moved.status, 6);
    assert_eq!(moved.out, format!("moved 1 run\n  • 1 stay (run {}): {reason}\n", begun.id()));
    assert_eq!(delayed.status().await.unwrap().version, 2);
    let noted = "select count(*) from pgflow.audit where actor = 'ann' and action = 'migrate'";
    assert_eq!(db.count(noted).await, 1);
    begun.cancel("ann").await.unwrap();
    let done = pgflow(&db, &["migrate", "letter", "1", "2", "--json"]).await;
    assert_eq!(done.status, 0);
    assert_eq!(done.json(), json!({ "moved": 0, "busy": 0, "refused": [] }));
    for (versions, status, expected) in [
        (["1", "7"], 3, "version 7 of `letter` is not registered; stored are 1, 2"),
        (["2", "2"], 4, "runs of `letter` on version 2 are on version 2; name another one"),
    ] {
        let wrong = pgflow(&db, &[&["migrate", "letter"][..], &versions].concat()).await;
        assert_eq!(wrong.status, status);
        assert!(wrong.err.contains(expected), "{}", wrong.err);
    }
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_workers_that_are_wanted_is_a_bare_number() {
    let db = Database::new().await;
    let flow = db.flow().await;
    assert_eq!(pgflow(&db, &["wanted"]).await.text(), "0\n");
    flow.start_many::<holding>((0..40).map(|n| ("x".into(), n))).await.unwrap();
    assert_eq!(pgflow(&db, &["wanted"]).await.text(), "1\n");
    assert_eq!(pgflow(&db, &["wanted", "--within", "1s"]).await.text(), "2\n");
    let queue = json!({ "workflow": "holding", "version": 1, "node": "hold", "ready": 40, "running": 0, "slots": 40 });
    let expected = json!({ "workers": 2, "live": 0, "slots_per_worker": 32, "queues": [queue] });
    assert_eq!(pgflow(&db, &["wanted", "--within", "1s", "--json"]).await.json(), expected);
}
