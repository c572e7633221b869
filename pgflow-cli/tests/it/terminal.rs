//! The command line on a terminal, which `script` makes.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::{
    operator::{Answer, NO_CONTEXTS},
    support::{Database, PATIENCE, missing, worker},
    workflows::survey,
};

const COLUMNS: usize = 100;

/// Calls the stand-alone binary on a terminal with so many rows, and types something. `None`: there is no `script`.
async fn on_terminal(
    db: &Database,
    rows: usize,
    arguments: &[&str],
    typed: &'static str,
) -> Option<Answer> {
    if Command::new("script").arg("--version").output().is_err() {
        missing("script");
        return None;
    }
    let words = [env!("CARGO_BIN_EXE_pgflow")].into_iter().chain(arguments.iter().copied());
    let words: Vec<String> = words.map(|word| format!("'{word}'")).collect();
    let call = format!("stty rows {rows} columns {COLUMNS} -echo && exec {}", words.join(" "));
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command", &call, "/dev/null"]);
    command.env("DATABASE_URL", db.url()).env("PGFLOW_ACTOR", "ann").env("SHELL", "/bin/sh");
    command.env("XDG_CONFIG_HOME", NO_CONTEXTS).env_remove("NO_COLOR").env("TERM", "xterm");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        // held open until it ends: the end of what is typed is typed too
        let mut keyboard = child.stdin.take().unwrap();
        keyboard.write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(keyboard);
        output
    });
    Some(Answer::new(ended.await.unwrap()))
}

/// What stands on a terminal, and what has gone off its upper end.
struct Screen {
    rows: Vec<String>,
    height: usize,
    row: usize,
    gone: Vec<String>,
}

impl Screen {
    /// What is seen after all this was printed.
    fn after(printed: &str, height: usize) -> Self {
        let rows = vec![String::new(); height];
        let mut screen = Self { rows, height, row: 0, gone: Vec::new() };
        let mut rest = printed.chars();
        while let Some(c) = rest.next() {
            match c {
                '\x1b' => {
                    let code: String =
                        rest.by_ref().skip(1).take_while(|c| !c.is_ascii_alphabetic()).collect();
                    screen.escape(
                        &code,
                        printed[..printed.len() - rest.as_str().len()].chars().next_back(),
                    );
                }
                '\r' => {}
                '\n' => screen.next_row(),
                c => screen.put(c),
            }
        }
        screen
    }

    /// What an escape does that ends with this letter.
    fn escape(&mut self, code: &str, letter: Option<char>) {
        match letter {
            Some('A') => self.row = self.row.saturating_sub(code.parse().unwrap()),
            Some('J') => self.rows[self.row..].iter_mut().for_each(String::clear),
            // paint
            Some('m') => {}
            other => panic!("an escape that ends with {other:?}"),
        }
    }

    fn put(&mut self, c: char) {
        if self.rows[self.row].chars().count() == COLUMNS {
            self.next_row();
        }
        self.rows[self.row].push(c);
    }

    fn next_row(&mut self) {
        if self.row + 1 < self.height {
            self.row += 1;
        } else {
            self.gone.push(self.rows.remove(0));
            self.rows.push(String::new());
        }
    }

    fn count(&self, text: &str) -> usize {
        self.rows.iter().chain(&self.gone).filter(|row| row.contains(text)).count()
    }
}

/// Watches a run until it completes, on a terminal of so many rows: what it printed.
async fn watched(rows: usize) -> Option<String> {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = worker(&flow, "survey").await;
    let run = flow.start::<survey>("four".into()).await.unwrap();
    let arguments = ["status", "1", "--watch", "--every", "50ms"];
    let watching = on_terminal(&db, rows, &arguments, "");
    let acting = async {
        let looking = "select count(*) from pg_stat_activity where datname = current_database() and query like '%why_1%' \
                       and application_name = 'pgflow client' and state = 'idle'";
        db.until("select count(*) from pgflow.tasks where node = 'signal:approve'", 1).await;
        db.until(looking, 1).await;
        // several looks
        db.count("select count(*) from pg_sleep(0.5)").await;
        run.signal("approve", &"Ann", "ann").await.unwrap();
    };
    let (answer, ()) = tokio::join!(watching, acting);
    run.output().await.unwrap();
    worker.drain(PATIENCE).await;
    Some(answer?.text())
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_redraws_in_place() {
    let Some(printed) = watched(40).await else { return };
    assert!(printed.matches("\x1b[J").count() >= 3, "{printed:?}");
    assert!(printed.contains("\x1b[1m1\x1b[0m"), "it is painted: {printed:?}");
    let screen = Screen::after(&printed, 40);
    assert!(
        screen.gone.is_empty() && screen.rows[0].starts_with("run 1 of survey@2"),
        "{:?}",
        screen.rows
    );
    assert!(screen.rows[0].ends_with("completed"), "{:?}", screen.rows);
    assert_eq!((screen.count("run 1 of"), screen.count("publish")), (1, 1), "{:?}", screen.rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taller_than_the_terminal_is_clipped_until_the_last_look() {
    let Some(printed) = watched(8).await else { return };
    let (before, _) = printed.rsplit_once("\x1b[J").unwrap();
    let screen = Screen::after(before.rsplit_once('\x1b').unwrap().0, 8);
    assert!(screen.gone.is_empty(), "{:?}", screen.gone);
    assert!(screen.rows[0].starts_with("run 1 of survey@2"), "{:?}", screen.rows);
    assert!(
        screen.rows[6].starts_with("… ") && screen.rows[6].ends_with(" more"),
        "{:?}",
        screen.rows
    );
    let screen = Screen::after(&printed, 8);
    assert_eq!((screen.count("run 1 of"), screen.count("publish")), (1, 1), "{:?}", screen.gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sits_at_a_terminal_is_asked_and_only_a_yes_is_one() {
    let db = Database::new().await;
    let flow = db.flow().await;
    flow.start::<survey>("four".into()).await.unwrap();
    for typed in ["n\n", "\n", "no, thank you\n"] {
        let Some(answer) = on_terminal(&db, 24, &["cancel", "1"], typed).await else { return };
        assert_eq!(answer.status, 4, "{}", answer.out);
        assert!(
            answer.out.contains("this ends run 1 of `survey`; go on? [y/N] "),
            "{}",
            answer.out
        );
    }
    assert_eq!(db.count("select count(*) from pgflow.run where state = 0").await, 1);
    let answer = on_terminal(&db, 24, &["cancel", "1"], "y\n").await.unwrap();
    assert_eq!(answer.status, 0, "{}", answer.out);
    assert!(answer.out.ends_with("run 1 is cancelled\r\n"), "{}", answer.out);
}
