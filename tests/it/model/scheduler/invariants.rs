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
const BESIDE: [(&str, &str); 6] = [
    (
        "a task was tried again after its completion",
        "select from pgflow.attempt d join pgflow.attempt a using (run_id, node, elem) \
         where d.status = 1 and a.attempt > d.attempt",
    ),
    (
        "the child of an ended run goes on",
        "select from pgflow.run c join pgflow.run p on p.id = c.parent_run where c.state = 0 and p.state <> 0",
    ),
    (
        "a run has neither a key nor a parent",
        "select from pgflow.run r where r.parent_run is null and not exists (select from pgflow.run_key y where y.run_id = r.id)",
    ),
    (
        "a slot is held for a token that its worker does not hold",
        "select from pgflow.slot s where s.run_id is not null and not exists (select from pgflow.task k \
           where k.run_id = s.run_id and k.lane = s.lane and k.elem = s.elem and k.epoch = s.epoch and k.worker_id = s.worker_id)",
    ),
    (
        "a step that runs alone runs without its slot",
        "select from pgflow.pool p join pgflow.node n on n.id = split_part(p.name, ':', 2) join pgflow.queue q on q.node = n.number and not q.control \
         join pgflow.task k on k.queue = q.id and k.worker_id is not null \
         where not exists (select from pgflow.slot s where s.pool = p.id and s.run_id = k.run_id and s.lane = k.lane and s.elem = k.elem and s.epoch = k.epoch)",
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
