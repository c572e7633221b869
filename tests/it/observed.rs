//! In which order a host hears what its workers do.

use std::sync::{Arc, Mutex};

use pgflow::{AttemptEnded, Failure, Observer, RunEnded, step, workflow};

use crate::support::{Database, PATIENCE};

type Result<T> = std::result::Result<T, Failure>;

#[step]
pub async fn heard_first(n: u32) -> Result<Vec<u32>> {
    Ok((0..n).collect())
}

#[step]
pub async fn heard_each(n: u32) -> Result<u32> {
    Ok(n + 1)
}

#[step]
pub async fn heard_last(sum: u32) -> Result<u32> {
    Ok(sum)
}

#[workflow]
pub async fn heard_child(n: u32) -> Result<u32> {
    heard_each(n).await
}

#[workflow]
pub async fn heard(n: u32) -> Result<u32> {
    let list = heard_first(n).await?;
    let all = pgflow::map(list, heard_each).await?;
    let more = pgflow::child(heard_child(all.iter().sum())).await?;
    heard_last(more).await
}

/// A run and the node that ended, or nothing for the run itself.
type Ended = (i64, Option<String>);

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Ended>>>);

impl Observer for Heard {
    fn attempt_ended(&self, attempt: &AttemptEnded<'_>) {
        self.0.lock().unwrap().push((attempt.run.0, Some(attempt.node.into())));
    }

    fn run_ended(&self, run: &RunEnded<'_>) {
        self.0.lock().unwrap().push((run.run.0, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_first_is_heard_first_the_run_last_and_a_child_before_its_parent() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let heard_all = Heard::default();
    let builder = flow.worker().only(["heard", "heard_child"]).observer(heard_all.clone());
    let worker = builder.spawn().await.unwrap();
    let runs = flow.start_many::<heard>([0, 1, 3, 8]).await.unwrap();
    for (run, n) in runs.iter().zip([0, 1, 3, 8]) {
        assert_eq!(run.output().await.unwrap(), (1..=n).sum::<u32>() + 1);
    }
    worker.drain(PATIENCE).await;
    let heard_all = heard_all.0.lock().unwrap().clone();
    for (run, elements) in runs.iter().zip([0, 1, 3, 8]) {
        let child = "select id from pgflow.run where parent_run = $1";
        let child: i64 = sqlx::query_scalar(child)
            .bind(run.id().0)
            .fetch_one(&mut db.sql().await)
            .await
            .unwrap();
        let id = run.id().0;
        let of: Vec<_> = heard_all.iter().filter(|(of, _)| *of == id || *of == child).collect();
        let node = |run: i64, node: &str| (run, Some(node.to_owned()));
        let expected: Vec<_> = [node(id, "heard_first")]
            .into_iter()
            .chain((0..elements).map(|_| node(id, "heard_each")))
            .chain([node(child, "heard_each"), (child, None)])
            .chain([node(id, "heard_child"), node(id, "heard_last"), (id, None)])
            .collect();
        assert_eq!(of, expected.iter().collect::<Vec<_>>());
    }
}
