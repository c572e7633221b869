//! What must hold after each statement.

use std::collections::HashSet;

use sqlx::{AssertSqlSafe, Row as _};

use crate::support::{self, BROKEN};

use super::{Actor, Scheduler};

impl Scheduler<'_> {
    /// What must hold after each step.
    pub(super) async fn look(&mut self) -> Result<(), String> {
        let broken: Vec<String> = sqlx::query_scalar(AssertSqlSafe(self.question.clone()))
            .fetch_one(self.observer.driver())
            .await
            .unwrap();
        if !broken.is_empty() {
            return Err(broken.join(", "));
        }
        let query = "select id, state from pgflow.run where state <> 0";
        for row in sqlx::query(query).fetch_all(self.observer.driver()).await.unwrap() {
            let (id, state) = (row.get("id"), row.get("state"));
            if *self.ended.entry(id).or_insert(state) != state {
                return Err("a run ends twice".into());
            }
        }
        let mut fences = HashSet::new();
        let workers = self.actors.iter().filter_map(Actor::worker);
        let mut holds = workers.flat_map(|worker| &worker.holds).map(|held| self.fence(held));
        if holds.all(|fence| fences.insert(fence)) {
            Ok(())
        } else {
            Err("two hold a token at one epoch".into())
        }
    }
}

/// Names what is broken.
pub(super) fn question() -> String {
    support::question(&[&BROKEN[..], &BESIDE].concat())
}

/// What must not be beside that, after each statement.
const BESIDE: [(&str, &str); 3] = [
    (
        "a task was tried again after its completion",
        "select from pgflow.attempt d join pgflow.attempt a using (run_id, node, elem) \
         where d.status = 1 and a.attempt > d.attempt",
    ),
    (
        "the child of an ended run goes on",
        "select from pgflow.run c join pgflow.run p on p.id = c.parent_run where c.state = 0 and p.state <> 0",
    ),
    // ready, due or held; or waiting for a signal or a child that can still come
    (
        "a run cannot go on",
        "select from pgflow.run r where r.state = 0 \
         and not exists (select from pgflow.pause p where p.run_id = r.id) \
         and not exists (select from pgflow.task k where k.run_id = r.id \
           and (num_nonnulls(k.ready_in, k.due_at, k.worker_id) = 1 \
             or exists (select from pgflow.run c where c.parent_run = k.run_id and c.parent_lane = k.lane and c.parent_elem = k.elem and c.state = 0) \
             or k.arrived = k.need and not exists (select from pgflow.signal g where g.run_id = r.id) \
               and exists (select from pgflow.workflow w where w.id = r.workflow_id and w.name = 'signalled')))",
    ),
];
