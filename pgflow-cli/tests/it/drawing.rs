//! Pictures of workflows and runs.

use insta::assert_snapshot;

use crate::{
    hosting::hosted,
    operator::pgflow,
    support::{Database, PATIENCE, worker},
    workflows::survey,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_drawn_before_its_first_run() {
    let db = Database::new().await;
    worker(&db.flow().await, "survey").await.drain(PATIENCE).await;
    assert_snapshot!("graph_mermaid", pgflow(&db, &["graph", "survey"]).await.text());
    assert_snapshot!(
        "graph_dot",
        pgflow(&db, &["graph", "survey@2", "--format", "dot"]).await.text()
    );
    assert_eq!(pgflow(&db, &["graph", "survey@1"]).await.status, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_draws_its_own_workflow_where_nobody_has_registered_it() {
    let db = Database::new().await;
    let drawn = hosted(&db, &["graph", "survey"]).await;
    let picture = &drawn.out[drawn.out.find("---").unwrap()..];
    assert!(picture.starts_with("---\ntitle: \"survey@2\"\n"), "{picture}");
    assert_eq!(pgflow(&db, &["graph", "survey"]).await.status, 3);
    sqlx::raw_sql("drop schema pgflow cascade").execute(&mut db.sql().await).await.unwrap();
    let without = hosted(&db, &["graph", "survey@2"]).await;
    assert_eq!(&without.out[without.out.find("---").unwrap()..], picture);
    assert_eq!(hosted(&db, &["graph", "survey@7"]).await.status, 1);
    worker(&db.flow().await, "survey").await.drain(PATIENCE).await;
    assert_eq!(pgflow(&db, &["graph", "survey"]).await.text(), picture);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_drawn_with_its_states_and_the_arm_that_was_not_taken_is_faint() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    let run = flow.start::<survey>("four".into()).await.unwrap();
    run.signal("approve", &"Ann", "ann").await.unwrap();
    run.output().await.unwrap();
    assert_snapshot!("graph_run", pgflow(&db, &["graph", "1"]).await.text());
    let file = std::env::temp_dir().join(format!("pgflow-graph-{}.svg", std::process::id()));
    pgflow(&db, &["graph", "1", "--output", file.to_str().unwrap()]).await.text();
    let svg = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(file).unwrap();
    assert_snapshot!("graph_svg", svg);
    let faint = svg.lines().find(|line| line.contains("<title>announce")).unwrap();
    assert!(faint.contains("opacity=\"0.5\""), "{faint}");
    assert_eq!(
        svg.matches("<title>parse_page: 4 of 4 done</title>").count(),
        1,
        "a map is one node"
    );
    worker.drain(PATIENCE).await;
}
