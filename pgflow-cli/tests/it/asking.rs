//! Commands that look: start, status, why, list, dump, completions, and errors.

use insta::assert_snapshot;
use serde_json::json;

use crate::{
    operator::{command, pgflow, timeless, timeless_text},
    support::{Database, PATIENCE, worker},
    workflows::{gate, holding, survey},
};

/// A run that waits for its signal.
const WAITING: &str = "select count(*) from pgflow.task k join pgflow.queue q on q.id = k.queue \
     where not q.control and k.arrived = k.need and num_nonnulls(k.ready_in, k.worker_id) = 0";

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_by_name_and_awaited() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "holding").await;
    gate("by name").notify_one();
    let answer =
        pgflow(&db, &["start", "holding", r#"{"name": "by name", "amount": 7}"#, "--wait"]).await;
    assert_eq!(answer.text(), "7\n");
    gate("by key").notify_one();
    let start =
        ["start", "holding", r#"{"name": "by key", "amount": 8}"#, "--key", "k 8", "--json"];
    let first = pgflow(&db, &start).await.json();
    assert_eq!(pgflow(&db, &start).await.json(), first);
    let other = ["start", "holding", r#"{"name": "by key", "amount": 9}"#, "--key", "k 8"];
    let refused = pgflow(&db, &other).await;
    assert_eq!(refused.status, 4);
    assert!(refused.err.contains("key `k 8` belongs to run"), "{}", refused.err);
    let starts = "select count(*) from pgflow.audit where action = 'start' and actor = 'ann'";
    assert_eq!(db.count(starts).await, 2);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_passed_its_deadline_is_said_to_have_timed_out() {
    let db = Database::new().await;
    let flow = db.flow().await;
    worker(&flow, "holding").await.drain(PATIENCE).await;
    let start = ["start", "holding", r#"{"name": "late", "amount": 1}"#, "--key", "late"];
    pgflow(&db, &start).await.text();
    let overdue = "update pgflow.run set deadline = pgflow.clock() - interval '1 second'";
    sqlx::raw_sql(overdue).execute(&mut db.sql().await).await.unwrap();
    let worker = worker(&flow, "holding").await;
    let text = pgflow(&db, &[&start[..], &["--wait"]].concat()).await;
    assert!(text.status == 5 && text.out.starts_with("run 1 timed out: "), "{}", text.out);
    let json = pgflow(&db, &[&start[..], &["--wait", "--json"]].concat()).await;
    assert_eq!(json.json()["state"], "timed_out");
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_cannot_fit_is_refused_with_what_is_missing() {
    let db = Database::new().await;
    let flow = db.flow().await;
    worker(&flow, "holding").await.drain(PATIENCE).await;
    for (input, expected) in [
        (
            r#"{"name": "x"}"#,
            "error: the input of `holding`: .: `amount` is missing, of type `u32`\n",
        ),
        (
            r#"{"name": "x", "amount": 1, "more": 2}"#,
            "error: the input of `holding`: .: it has no input `more`; its inputs are `name`, `amount`\n",
        ),
        (
            "3",
            "error: the input of `holding`: .: it is an object with the members `name`, `amount`\n",
        ),
    ] {
        let answer = pgflow(&db, &["start", "holding", input]).await;
        assert_eq!((answer.status, answer.err.as_str()), (4, expected));
    }
    // by the text of the types, which is all that is stored of them
    let text = r#"{"name": "x", "amount": "seven"}"#;
    let answer = pgflow(&db, &["start", "holding", text]).await;
    let expected =
        "error: the input of `holding`: amount: a text, expected a whole number (`u32`)\n";
    assert_eq!((answer.status, answer.err.as_str()), (4, expected));
    flow.start::<survey>("never".into()).await.unwrap().cancel("ann").await.unwrap();
    let answer = pgflow(&db, &["start", "survey", "7"]).await;
    let expected = "error: the input of `survey`: .: a number, expected a text\n";
    assert_eq!((answer.status, answer.err.as_str()), (4, expected));
    let answer = pgflow(&db, &["start", "holding", "text"]).await;
    assert_eq!(answer.status, 2);
    assert!(
        answer.err.contains("`text` is not JSON") && answer.err.contains("double quotes"),
        "{}",
        answer.err
    );
    let answer = pgflow(&db, &["start", "holdng", "{}"]).await;
    assert_eq!(answer.status, 3);
    let expected = "error: there is no workflow `holdng`; a worker whose binary links it registers it, and there are `holding@1`, `survey@2`\n";
    assert_eq!(answer.err, expected);
    let answer = pgflow(&db, &["start", "holding", r#"{"name": "x", "amount": 1}"#]).await;
    let expected = "no live worker serves `holding` version 1: its runs wait until one does";
    assert!(answer.status == 0 && answer.err.contains(expected), "{}", answer.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_why_and_list_show_a_run_that_waits() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    flow.start::<survey>("four".into()).key("order 7").await.unwrap();
    db.until(WAITING, 1).await;
    assert_snapshot!(
        "status_waiting",
        timeless_text(&pgflow(&db, &["status", "order 7"]).await.text())
    );
    let mut status = pgflow(&db, &["status", "1", "--json"]).await.json();
    timeless(&mut status);
    assert_snapshot!("status_json", serde_json::to_string_pretty(&status).unwrap());
    let mut why = pgflow(&db, &["why", "key:order 7", "--json"]).await.json();
    timeless(&mut why);
    assert_snapshot!("why_json", serde_json::to_string_pretty(&why).unwrap());
    assert_snapshot!("why", pgflow(&db, &["why", "1"]).await.text());
    let mut list = pgflow(&db, &["list", "--state", "live", "--json"]).await.json();
    timeless(&mut list);
    assert_snapshot!("list_json", serde_json::to_string_pretty(&list).unwrap());
    assert_snapshot!("list", timeless_text(&pgflow(&db, &["list"]).await.text()));
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_shows_where_and_why_and_its_dump_has_everything() {
    let db = Database::new().await;
    let flow = db.flow().await;
    // the pages one after the other: the last one fails
    let worker = flow.worker().only(["survey"]).slots(1).spawn().await.unwrap();
    let run = flow.start::<survey>("bad".into()).await.unwrap();
    run.output().await.unwrap_err();
    assert_snapshot!("status_failed", timeless_text(&pgflow(&db, &["status", "1"]).await.text()));
    let dump = pgflow(&db, &["dump", "1"]).await.json();
    let members: Vec<&String> = dump.as_object().unwrap().keys().collect();
    let expected = [
        "attempts",
        "audit",
        "children",
        "definition",
        "logs",
        "pause",
        "run",
        "signals",
        "tasks",
        "why",
    ];
    assert_eq!(members, expected);
    assert_eq!(dump["run"]["input"], json!("bad"));
    assert_eq!(dump["attempts"].as_array().unwrap().len(), 4);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged_in_any_state() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow.worker().only(["survey", "holding"]).spawn().await.unwrap();
    flow.start::<survey>("bad".into()).await.unwrap().output().await.unwrap_err();
    for n in 0..3 {
        gate("paged").notify_one();
        flow.start::<holding>(("paged".into(), n)).await.unwrap().output().await.unwrap();
    }
    let live = flow.start::<survey>("four".into()).await.unwrap();
    let runs = async |arguments: &[&str]| {
        let all = [&["list", "--json"], arguments].concat();
        let list = pgflow(&db, &all).await.json();
        let ids: Vec<i64> =
            list["runs"].as_array().unwrap().iter().map(|r| r["run"].as_i64().unwrap()).collect();
        (ids, list["next"].as_i64())
    };
    assert_eq!(runs(&[]).await, (vec![5, 4, 3, 2, 1], None));
    assert_eq!(runs(&["--limit", "2"]).await, (vec![5, 4], Some(4)));
    assert_eq!(runs(&["--limit", "2", "--before", "4"]).await, (vec![3, 2], Some(2)));
    assert_eq!(runs(&["--state", "live"]).await, (vec![live.id().0], None));
    assert_eq!(runs(&["--state", "failed"]).await, (vec![1], None));
    assert_eq!(runs(&["--state", "completed", "--workflow", "survey"]).await, (vec![], None));
    assert_eq!(runs(&["--workflow", "survey", "--since", "1h"]).await, (vec![5, 1], None));
    assert_eq!(runs(&["--since", "0s"]).await, (vec![], None));
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_ends_with_the_run_and_prints_what_changes() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    let run = flow.start::<survey>("four".into()).await.unwrap();
    db.until(WAITING, 1).await;
    let mut watching = command(&db);
    watching.args(["status", "1", "--watch", "--every", "50ms"]);
    let watching = tokio::task::spawn_blocking(move || watching.output().unwrap());
    let looking = "select count(*) from pg_stat_activity where datname = current_database() and query like '%why_1%' \
                   and application_name = 'pgflow client'";
    db.until(looking, 1).await;
    // time alone is no news, though it is said since when
    db.count("select count(*) from pg_sleep(2.5)").await;
    run.signal("approve", &"Ann", "ann").await.unwrap();
    let seen = String::from_utf8(watching.await.unwrap().stdout).unwrap();
    assert!(seen.contains("waits for signal `approve`"), "{seen}");
    let looks = seen.split("run 1 of survey@2").skip(1);
    let before = looks.filter(|look| look.contains("waiting") && !look.contains("by ann"));
    assert_eq!(before.count(), 1, "{seen}");
    let last = seen.rsplit("run 1 of survey@2").next().unwrap();
    assert!(last.contains("completed") && last.contains("publish"), "{last}");
    assert!(!seen.contains('\x1b'), "no terminal, no escapes");
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_name_the_thing_and_the_remedy() {
    let db = Database::new().await;
    for (arguments, status, expected) in [
        (
            &["status", "77"][..],
            3,
            "error: there is no run 77; `list` shows those that there are\n",
        ),
        (&["why", "77"], 3, "error: there is no run 77; `list` shows those that there are\n"),
        (
            &["cancel", "no such key", "--yes"],
            3,
            "error: no run was started under the key `no such key`; `list` shows the keys that there are\n",
        ),
        (&["graph", "nothing"], 3, "error: there is no workflow `nothing`; there are none yet\n"),
        (
            &["worker"],
            4,
            "error: this program links no workflows; run this command of a binary that does\n",
        ),
    ] {
        let answer = pgflow(&db, arguments).await;
        assert_eq!((answer.status, answer.err.as_str()), (status, expected), "{arguments:?}");
    }
    let wrong = pgflow(&db, &["list", "--since", "5 m"]).await;
    assert_eq!(wrong.status, 2);
    assert!(wrong.err.contains("write one as in 500ms"), "{}", wrong.err);
    let mut nowhere = command(&db);
    nowhere.args(["list", "--database", "postgres://me:secret@127.0.0.1:1/x"]);
    let answer = tokio::task::spawn_blocking(move || nowhere.output().unwrap()).await.unwrap();
    let text = String::from_utf8(answer.stderr).unwrap();
    assert_eq!(answer.status.code(), Some(1));
    assert!(text.contains("check that Postgres runs there") && !text.contains("secret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_json_is_an_error_and_no_wrong_argument() {
    let db = Database::new().await;
    let file = std::env::temp_dir().join(format!("pgflow-no-json-{}", std::process::id()));
    std::fs::write(&file, "text").unwrap();
    let path = file.to_str().unwrap();
    let answer = pgflow(&db, &["start", "holding", "--input", path]).await;
    std::fs::remove_file(&file).unwrap();
    assert_eq!(answer.status, 1);
    assert!(answer.err.contains(&format!("`{path}` is not JSON")), "{}", answer.err);
    let gone = pgflow(&db, &["start", "holding", "--input", path]).await;
    assert!(gone.status == 1 && gone.err.contains("cannot be read"), "{}", gone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_there_for_shells_and_help_names_every_command() {
    let db = Database::new().await;
    let bash = pgflow(&db, &["completions", "bash"]).await.text();
    assert!(bash.contains("complete -F _pgflow"), "{bash}");
    let zsh = pgflow(&db, &["completions", "zsh"]).await.text();
    assert!(zsh.starts_with("#compdef pgflow\n") && zsh.contains("doctor:Look for what"), "{zsh}");
    let fish = pgflow(&db, &["completions", "fish"]).await.text();
    assert!(fish.contains("complete -c pgflow ") && fish.contains("-a \"doctor\""), "{fish}");
    assert_eq!(pgflow(&db, &["completions", "csh"]).await.status, 2);
    assert_snapshot!("help", pgflow(&db, &["--help"]).await.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_shows_where_the_time_went_and_json_is_what_collectors_take() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    // nine pages share a line
    let many = flow.start::<survey>("nine page".into()).key("many").await.unwrap();
    many.signal("approve", &"ann", "test").await.unwrap();
    many.output().await.unwrap();
    let text = pgflow(&db, &["trace", "many"]).await.text();
    // name, bar, note
    let lines: Vec<(&str, bool, &str)> = text
        .lines()
        .map(|line| {
            let (name, rest) = line.split_at(16);
            let note = rest.rsplit("  ").next().unwrap();
            (
                name.trim_end(),
                rest.contains('━'),
                if note.contains(" s") || note.contains("ms") { "" } else { note },
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("survey", true, "completed"),
            ("fetch", true, ""),
            ("parse_page ×9", true, ""),
            ("signal:approve", true, ""),
            ("publish", true, ""),
        ],
        "{text}"
    );

    let failed = flow.start::<survey>("bad".into()).await.unwrap();
    failed.output().await.unwrap_err();
    let text = pgflow(&db, &["trace", &failed.id().to_string()]).await.text();
    let line = text.lines().find(|line| line.starts_with("parse_page[2]")).unwrap();
    assert!(line.ends_with("failed"), "{text}");

    let json = pgflow(&db, &["trace", "many", "--json", "--service", "pages"]).await.json();
    let resource = &json["resourceSpans"][0];
    assert_eq!(
        resource["resource"]["attributes"][0],
        json!({"key": "service.name", "value": {"stringValue": "pages"}})
    );
    assert_eq!(resource["scopeSpans"][0]["spans"].as_array().unwrap().len(), 13);
    assert_eq!(pgflow(&db, &["trace", "999"]).await.status, 3);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_message_is_told_from_its_sending_to_its_run() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.make_queue("pages").await.unwrap();
    let id = flow.send("pages", &json!({"name": "q", "amount": 3})).await.unwrap();
    let ask = ["message", "pages", &id.to_string()];
    let text = pgflow(&db, &ask).await.text();
    assert_eq!(text, "message 1 of `pages`: waiting, not read yet\n");
    let bad = flow.send("pages", &"no page").await.unwrap();
    let trigger = pgflow::Queue::named("pages").starts::<holding>();
    let worker = flow.worker().only(["holding"]).trigger(trigger).spawn().await.unwrap();
    gate("q").notify_one();
    db.until("select count(*) from pgflow.run where state = 1", 1).await;
    let text = pgflow(&db, &ask).await.text();
    assert_eq!(text, "message 1 of `pages`: run 1 of `holding`, completed\n");
    let json = pgflow(&db, &["message", "pages", "1", "--json"]).await.json();
    assert_eq!((&json["run"], &json["run_state"]), (&json!(1), &json!("completed")), "{json}");
    db.until("select count(*) from pgmq.a_pages", 2).await;
    let refused = pgflow(&db, &["message", "pages", &bad.to_string()]).await.text();
    assert!(refused.starts_with("message 2 of `pages`: put aside: "), "{refused}");
    let none = pgflow(&db, &["message", "pages", "99"]).await;
    assert_eq!(none.status, 3);
    assert!(none.err.contains("queue `pages` has no message 99"), "{}", none.err);
    let no_queue = pgflow(&db, &["message", "letters", "1"]).await;
    assert_eq!((no_queue.status, no_queue.err.contains("letters")), (3, true), "{}", no_queue.err);
    worker.drain(PATIENCE).await;
}
