//! What an actor may do next, and what brings it on once nothing goes wrong any more.

use pgflow_core::lifecycle::Position;

use crate::model::world::Held;

use super::{Job, Role, Scheduler, Step, Worker};

impl Scheduler<'_> {
    /// All that may happen to an actor.
    pub(super) fn may(&self, who: usize) -> Vec<Step> {
        let actor = &self.actors[who];
        if let Some(open) = &actor.open {
            let breaks = [Step::BreakBefore, Step::BreakAfter];
            let faults = breaks.into_iter().filter(|_| self.faults > 0);
            return match open.answer {
                Some(_) => [Step::Commit, Step::Commit].into_iter().chain(faults).collect(),
                None => Vec::new(),
            };
        }
        if let Some(job) = &actor.again {
            return vec![Step::Send(job.clone())];
        }
        match &actor.role {
            Role::Worker(worker) => self.worker_may(worker),
            Role::Client { script, done } => {
                script.get(*done).map(|act| Step::Send(Job::Act(*act))).into_iter().collect()
            }
            Role::Starter { keys } => {
                keys.first().map(|key| Step::Send(Job::Start(key))).into_iter().collect()
            }
            Role::Time if self.faults > 0 => {
                let leases = (0..self.places.model.workers).map(Job::Expire);
                leases.chain([Job::Jump]).map(Step::Send).collect()
            }
            Role::Time => Vec::new(),
        }
    }

    fn worker_may(&self, worker: &Worker) -> Vec<Step> {
        let model = self.places.model;
        if worker.doubt {
            return vec![Step::Ask];
        }
        let mut may = vec![Job::Beat, Job::Tick];
        if worker.holds.len() < model.slots {
            may.extend([Job::Claim, Job::Claim]);
            may.extend(model.alone.map(|_| Job::ClaimAlone));
        }
        let known = |held: &&Held| !is_wait(held) || held.read.is_some();
        let known: Vec<Held> = worker.holds.iter().filter(known).copied().collect();
        for held in &known {
            may.push(self.completion(held));
            if is_task(held) && self.faults > 0 {
                may.extend([Job::Retry(*held), Job::HandBack(vec![self.fence(held)])]);
            }
            if is_task(held) && model.step_fails {
                may.push(Job::Fail(*held));
            }
        }
        if known.len() > 1 && !model.limit {
            may.push(Job::Settle(known));
        }
        let unread =
            worker.holds.iter().enumerate().filter(|(_, h)| is_wait(h) && h.read.is_none());
        let reads = unread.map(|(token, _)| Step::Read(token));
        may.into_iter().map(Step::Send).chain(reads).collect()
    }

    /// What ends a token's stay where it is: a wait with a limit that is over fails the run.
    fn completion(&self, held: &Held) -> Job {
        if self.places.model.limit && held.read == Some(false) {
            Job::Fail(*held)
        } else {
            Job::Settle(vec![*held])
        }
    }

    /// What brings an actor on when nothing goes wrong any more.
    pub(super) fn goes_on(&self, who: usize) -> Option<Step> {
        let actor = &self.actors[who];
        if self.all_ended() && actor.open.is_none() {
            return None;
        }
        let Role::Worker(worker) = &actor.role else {
            // time passes for whatever waits for it
            let passes = matches!(actor.role, Role::Time) && actor.open.is_none();
            return self.may(who).into_iter().next().or(passes.then_some(Step::Send(Job::Pass)));
        };
        let idle = actor.open.is_none() && actor.again.is_none() && !worker.doubt;
        let may = self.may(who);
        // both claims in turns
        let odd = self.claims.is_multiple_of(2);
        let best = |step: &&Step| match step {
            Step::Read(_) => 0,
            Step::Send(Job::Settle(_) | Job::Fail(_)) => 1,
            Step::Send(Job::ClaimAlone) if odd => 2,
            Step::Send(Job::Claim | Job::ClaimAlone) => 3,
            _ => 4,
        };
        // its lease and the upkeep in turns with the rest
        let turn = self.story.len() % 3;
        match (idle, turn) {
            (true, 0) => Some(Step::Send(Job::Beat)),
            (true, 1) if worker.holds.is_empty() => Some(Step::Send(Job::Tick)),
            _ => may.iter().min_by_key(best).cloned(),
        }
    }
}

fn is_task(held: &Held) -> bool {
    held.at.is_task()
}

fn is_wait(held: &Held) -> bool {
    matches!(held.at, Position::Wake(_))
}
