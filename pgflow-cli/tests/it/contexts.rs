//! Databases with names: what acts says which it means, and a protected one asks.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    operator::{Answer, answer, command},
    support::Database,
    workflows::holding,
};

/// The configuration of an operator, until it is dropped.
struct Configuration(PathBuf);

impl Configuration {
    fn new(db: &Database, contexts: &str) -> Self {
        let place = std::env::temp_dir().join(format!("pgflow-contexts-{}", db.name()));
        fs::create_dir_all(place.join("pgflow")).unwrap();
        fs::write(place.join("pgflow/contexts.toml"), contexts).unwrap();
        Self(place)
    }

    /// The binary with this configuration, where `DATABASE_URL` leads nowhere.
    fn command(&self, db: &Database) -> Command {
        let mut command = command(db);
        command.env("XDG_CONFIG_HOME", &self.0).env("DATABASE_URL", "postgres://127.0.0.1:1/x");
        command
    }

    async fn pgflow(&self, db: &Database, arguments: &[&str]) -> Answer {
        let mut command = self.command(db);
        command.args(arguments);
        answer(command).await
    }
}

impl Drop for Configuration {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The database under two names, one of which is protected; another address for it, which is not.
fn two(db: &Database) -> (Configuration, String) {
    let (url, other) = (db.url(), format!("{}?application_name=other", db.url()));
    let contexts = format!(
        "[production]\ndatabase = \"{url}\"\nprotected = true\n\n[test]\ndatabase = \"{other}\"\n"
    );
    (Configuration::new(db, &contexts), other)
}

fn refused(answer: &Answer, expected: &str) {
    let expected = format!("error: {expected}\n");
    assert_eq!((answer.status, answer.err.as_str()), (4, expected.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_acts_says_which_context_it_means_where_there_are_several() {
    let db = Database::new().await;
    db.flow().await.start::<holding>(("x".into(), 1)).await.unwrap();
    let (operator, other) = two(&db);
    let which = "there are several contexts; say with --context which of them this goes to: `production`, `test`";
    refused(&operator.pgflow(&db, &["pause", "1"]).await, which);
    assert_eq!(operator.pgflow(&db, &["pause", "1", "--context", "test"]).await.status, 0);
    assert_eq!(operator.pgflow(&db, &["--database", &other, "resume", "1"]).await.status, 0);
    let list = ["list", "--context", "production"];
    assert!(operator.pgflow(&db, &list).await.text().contains("holding@1"), "it only looks");
    let elsewhere = operator.pgflow(&db, &["list"]).await;
    assert_eq!(elsewhere.status, 1);
    assert!(elsewhere.err.starts_with("error: DATABASE_URL: "), "{}", elsewhere.err);
    assert!(elsewhere.err.contains("\n  because: "), "{}", elsewhere.err);
    let unknown = operator.pgflow(&db, &["list", "--context", "tset"]).await;
    assert_eq!(unknown.status, 3);
    assert!(unknown.err.ends_with("there are `production`, `test`\n"), "{}", unknown.err);
    let meant = operator.pgflow(&db, &[&list[..], &["--yes-to", "tset"]].concat()).await;
    assert_eq!((meant.status, meant.err), (3, unknown.err), "also where it only looks");
    let both = ["list", "--context", "test", "--database", &other];
    assert_eq!(operator.pgflow(&db, &both).await.status, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_protected_context_is_confirmed_by_its_name_and_by_nothing_else() {
    let db = Database::new().await;
    db.flow().await.start::<holding>(("x".into(), 1)).await.unwrap();
    let (operator, _) = two(&db);
    let protected =
        "this goes to `production`, which is protected; confirm it with --yes-to production";
    let cancel = ["cancel", "1", "--context", "production"];
    let with = async |more: &[&str]| operator.pgflow(&db, &[&cancel, more].concat()).await;
    refused(&with(&[]).await, protected);
    refused(&with(&["--yes"]).await, protected);
    let other =
        "--yes-to names `test`, and this goes to `production`; name the context that is meant";
    refused(&with(&["--yes-to", "test"]).await, other);
    // an address that is a context's is that context
    let url = db.url();
    refused(&operator.pgflow(&db, &["cancel", "1", "--yes", "--database", &url]).await, protected);
    let dry = ["prune", "--older-than", "1d", "--dry-run", "--context", "production"];
    assert_eq!(
        operator.pgflow(&db, &dry).await.text(),
        "would remove 0 runs that ended 1 d ago or earlier\n"
    );
    assert_eq!(db.count("select count(*) from pgflow.run where state = 0").await, 1);
    assert_eq!(with(&["--yes-to", "production"]).await.text(), "run 1 is cancelled\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_named_with_the_line_and_not_with_what_stands_there() {
    let db = Database::new().await;
    let text = "[test]\ndatabase = \"postgres://me:secret@host/x\"\n\n[b]\ndatabase = \"postgres://me:secret@host/x\" protected\n";
    let operator = Configuration::new(&db, text);
    let answer = operator.pgflow(&db, &["list"]).await;
    assert_eq!(answer.status, 1);
    assert!(answer.err.contains("contexts.toml`, line 5: "), "{}", answer.err);
    assert!(!answer.err.contains("secret"), "{}", answer.err);
    let completions = operator.pgflow(&db, &["completions", "bash"]).await.text();
    assert!(completions.contains("--yes-to"), "it needs no context");
}
