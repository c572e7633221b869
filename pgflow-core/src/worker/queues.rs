//! The queues that a session serves, and which of them have limits.

use std::{collections::HashMap, sync::Arc};

use crate::{
    context::Gpu,
    registry::{TaskPlan, Version},
    store::{claim::LimitedQueue, register::START},
};

use super::{resources::Offer, session::ServedQueue};

/// The queues of a session.
#[derive(Default)]
pub(super) struct Queues {
    pub served: HashMap<i32, ServedQueue>,
    pub all: Vec<i32>,
    pub plain: Vec<i32>,
    /// Queues that go on in this worker without a claim.
    pub direct: Vec<i32>,
    pub limited: Vec<LimitedQueue>,
}

impl Queues {
    pub fn add(&mut self, queue: i32, version: &Arc<Version>, node: Option<usize>) {
        self.served.insert(queue, ServedQueue { version: version.clone(), node });
        self.all.push(queue);
    }

    /// Tells the queues with limits from those without.
    pub fn limit(&mut self, version: &Arc<Version>, offer: &Offer, gpus: &[(i32, Gpu)]) {
        let start = version.numbers.control.get(&START).copied();
        for queue in version.numbers.control.values().copied() {
            match version.run_pool {
                Some(pool) if Some(queue) == start => {
                    self.limited.push(limited(queue, vec![pool]));
                }
                _ => {
                    self.plain.push(queue);
                    self.direct.push(queue);
                }
            }
        }
        for (node, plan) in version.tasks.iter().enumerate() {
            let queue = version.numbers.tasks[node];
            if !self.served.contains_key(&queue) {
                continue;
            }
            match plan {
                Some(plan) if !plan.is_unlimited() => {
                    self.limited.push(limited_task(queue, plan, offer, gpus));
                }
                _ => {
                    self.plain.push(queue);
                    self.direct.push(queue);
                }
            }
        }
    }
}

fn limited(queue: i32, pools: Vec<i32>) -> LimitedQueue {
    LimitedQueue { queue, pools, devices: Vec::new(), device_count: 0, rate: None }
}

fn limited_task(queue: i32, plan: &TaskPlan, offer: &Offer, gpus: &[(i32, Gpu)]) -> LimitedQueue {
    let real = plan.gpus > 0 && offer.has_devices(plan);
    let devices = gpus
        .iter()
        .filter(|(_, g)| real && g.memory_bytes >= plan.vram_bytes)
        .map(|(pool, _)| *pool);
    LimitedQueue {
        devices: devices.collect(),
        device_count: if real { i32::from(plan.gpus.cast_signed()) } else { 0 },
        rate: plan.rate,
        ..limited(queue, plan.pools.clone())
    }
}
