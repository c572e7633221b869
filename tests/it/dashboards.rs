//! Dashboards and rules for alerts in `docs/`: what they ask for is there, and the rules fire.

use std::{collections::BTreeSet, fs, path::Path};

use pgflow::{
    Failure,
    metrics::{Kind, METRICS, Metric, Source},
    step, workflow,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr};

use crate::{roles::grant, support::Database};

#[step]
pub async fn stack(n: u32) -> Result<u32, Failure> {
    Ok(n)
}

#[workflow]
pub async fn stacking(n: u32) -> Result<u32, Failure> {
    stack(n).await
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(path)).unwrap()
}

/// All texts under a name, at any depth.
fn texts(value: &Value, name: &str) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(|value| texts(value, name)).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, value)| match value.as_str().filter(|_| key == name) {
                Some(text) => vec![text.to_owned()],
                None => texts(value, name),
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The metrics that an expression names, all of which must be in the table.
fn named(expression: &str) -> Vec<&'static Metric> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let metric = |word: &str| {
        let parts = ["_bucket", "_sum", "_count"].iter().find_map(|part| word.strip_suffix(part));
        METRICS
            .iter()
            .copied()
            .find(|metric| {
                metric.name == word
                    || (metric.kind == Kind::Histogram && Some(metric.name) == parts)
            })
            .unwrap_or_else(|| panic!("no metric is called `{word}`: {expression}"))
    };
    words.filter(|word| word.starts_with("pgflow_")).map(metric).collect()
}

/// The labels that an expression groups by or selects by.
fn labels(expression: &str) -> BTreeSet<&str> {
    let groups = expression.split("by (").skip(1).map(|rest| rest.split(')').next().unwrap());
    let grouped = groups.flat_map(|list| list.split(','));
    let selections = expression.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let selected = selections.flat_map(|list| list.split("\",")).filter_map(|one| {
        let end = one.find(['=', '!'])?;
        Some(&one[..end])
    });
    grouped.chain(selected).map(str::trim).collect()
}

/// An expression names metrics that workers tell, and labels that one of them or Prometheus has.
fn check(expression: &str) -> Vec<&'static Metric> {
    let metrics = named(expression);
    assert!(!metrics.is_empty(), "{expression}");
    assert!(metrics.iter().all(|metric| metric.source != Source::LastHour), "{expression}");
    for label in labels(expression) {
        let known = ["job", "instance", "le"].contains(&label)
            || metrics.iter().any(|metric| metric.labels.contains(&label));
        assert!(known, "no metric has the label `{label}`: {expression}");
    }
    metrics
}

#[test]
fn the_dashboard_of_prometheus_shows_every_metric_of_workers_and_no_other() {
    let dashboard: Value = serde_json::from_str(&read("grafana/prometheus.json")).unwrap();
    let mut shown = BTreeSet::new();
    for expression in texts(&dashboard, "expr") {
        shown.extend(check(&expression).iter().map(|metric| metric.name));
    }
    for definition in texts(&dashboard, "definition") {
        named(&definition);
    }
    let told = METRICS.iter().filter(|metric| metric.source != Source::LastHour);
    assert_eq!(shown, told.map(|metric| metric.name).collect::<BTreeSet<_>>());
}

#[test]
fn the_rules_for_prometheus_name_metrics_and_labels_that_are_there() {
    let rules = read("alerts/prometheus.yml");
    let rules: Vec<&str> = rules.split("      - alert: ").skip(1).collect();
    for rule in &rules {
        let (expression, rest) = rule.split_once("labels: { severity: ").unwrap();
        check(expression.split_once("expr: ").unwrap().1);
        let annotations = rest.split_once("annotations:").unwrap().1;
        assert!(annotations.contains("summary: ") && annotations.contains("remedy: "), "{rule}");
    }
    assert!(rules.len() >= 8, "{}", rules.len());
}

/// With what Grafana puts in place of its own words.
fn without_macros(sql: &str) -> String {
    let mut parts = sql.split("$__timeFilter(");
    let first = parts.next().unwrap().to_owned();
    let filled = parts.fold(first, |text, part| {
        let (column, rest) = part.split_once(')').unwrap();
        format!("{text}{column} between '2026-01-01T00:00:00Z' and '2099-01-01T00:00:00Z'{rest}")
    });
    filled.replace("$workflow", "'stacking', 'another'")
}

async fn rows(sql: &mut PgConnection, statement: &str) -> Vec<sqlx::postgres::PgRow> {
    let safe = AssertSqlSafe(statement.to_owned()).into_sql_str();
    sql.prepare(safe.clone()).await.unwrap_or_else(|error| panic!("{error}: {statement}"));
    sqlx::query(safe).fetch_all(sql).await.unwrap_or_else(|error| panic!("{error}: {statement}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_of_the_dashboard_of_postgres_fits_the_schema() {
    let db = Database::new().await;
    let mut sql = db.sql().await;
    db.flow().await.start_many::<stacking>([1, 2]).await.unwrap();
    let dashboard: Value = serde_json::from_str(&read("grafana/postgres.json")).unwrap();
    let queries = [texts(&dashboard, "rawSql"), texts(&dashboard, "definition")].concat();
    for query in &queries {
        let query = without_macros(query);
        assert!(!query.contains('$'), "{query}");
        rows(&mut sql, &query).await;
    }
    assert!(queries.len() >= 15, "{}", queries.len());
}

/// The rules for Postgres by their names.
fn postgres_rules() -> Vec<(String, String)> {
    let text = read("alerts/postgres.sql");
    let statements = text.split("\n\n").skip(1).map(|statement| {
        let (comment, sql) = statement.split_once('\n').unwrap();
        let name = comment.strip_prefix("-- ").and_then(|comment| comment.split(':').next());
        (name.unwrap().to_owned(), sql.trim().trim_end_matches(';').to_owned())
    });
    statements.collect()
}

/// The subjects of each rule that fires.
async fn firing(sql: &mut PgConnection) -> Vec<String> {
    let mut firing = Vec::new();
    for (name, statement) in postgres_rules() {
        for row in rows(sql, &statement).await {
            assert!(!row.get::<String, _>("detail").is_empty(), "{name}");
            firing.push(format!("{name} {}", row.get::<String, _>("subject")));
        }
    }
    firing
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_for_postgres_fires_where_somebody_should_look_and_only_there() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let mut sql = db.sql().await;
    grant(&db).await;
    let viewer = db.options().username("pgflow_test_viewer");
    let mut viewer = PgConnection::connect_with(&viewer).await.unwrap();
    assert!(firing(&mut viewer).await.is_empty());
    flow.start::<stacking>(1).await.unwrap();
    sqlx::raw_sql(
        "update pgflow.task set ready_at = ready_at - interval '10 minutes'; \
         insert into pgflow.alert (kind, subject, detail) values ('run_long', 'run 1', 'runs for a day'); \
         insert into pgflow.failure select n, 'stacking', 'stack', case n when 1 then 'timed_out' else 'failed' end, 'no', pgflow.clock() \
           from generate_series(1, 10) n; \
         insert into pgflow.stats select date_trunc('minute', pgflow.clock()), w.id, n.number, 1, 12, 0, 8, 0, 0, 0, \
             array_fill(0, array[3]) || 11 || array_fill(0, array[14]) || 1 || array_fill(0, array[5]) \
           from pgflow.workflow w join pgflow.node n on n.workflow = w.name; \
         insert into pgflow.pool (name, declared) values ('step:stack', 1); \
         insert into pgflow.slot (pool, n, run_id) select id, 1, 1 from pgflow.pool",
    )
    .execute(&mut sql)
    .await
    .unwrap();
    assert_eq!(
        firing(&mut viewer).await,
        [
            "NoWorker database",
            "AlertOpen run 1",
            "QueueOld stacking@1 stack",
            "RunsFailing stacking",
            "RunsTimedOut stacking",
            "StepsRetried stacking@1 stack",
            "StepSlow stacking@1 stack",
            "LimitExhausted step:stack",
        ]
    );
}
