//! What comes from a worker that does not hold the token changes nothing: no row, no arrival, no child.

use pgflow_core::{
    lifecycle::{AttemptStatus, RunState},
    store::flush::{RecordRow, flush, hand_back},
};

use super::{Engine, Held, World};

impl Engine<'_> {
    /// Whatever workers hold is settled, failed and handed back by them at the epoch before, and by another at this one.
    pub(super) async fn refuses(&mut self, world: &World) {
        for (who, worker) in world.workers.iter().enumerate() {
            for held in &worker.holds {
                self.refuse(who, Held { epoch: held.epoch - 1, ..*held }).await;
                self.refuse((who + 1) % world.workers.len(), *held).await;
            }
        }
    }

    async fn refuse(&mut self, who: usize, held: Held) {
        let run = held.key.run;
        let mut settled = self.places.settled(&held);
        settled.records.push(RecordRow {
            node: self.places.of(run).nodes[0],
            status: AttemptStatus::Skipped,
            output: None,
            error: None,
        });
        for settled in [settled, self.places.retried(&held)] {
            let queues = self.places.queues();
            let flushed = flush(&mut self.sql, self.workers[who], &[settled], &queues).await;
            let flushed = flushed.unwrap();
            assert!(!flushed.taken[0] && flushed.fired.is_empty(), "{held:?} was taken");
        }
        let token = (self.places.key(held.key), held.epoch.into(), Vec::new());
        hand_back(&mut self.sql, self.workers[who], &[token], None).await.unwrap();
        self.end(who, self.places.runs[run], RunState::Failed, Some(held)).await;
    }
}
