//! What a worker offers beside slots, and what its tokens have taken of it: memory, cores, stand-ins for GPUs.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{context::Gpu, registry::TaskPlan};

/// What a worker offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub gpus: Vec<Gpu>,
    pub stand_in: bool,
    pub memory_bytes: Option<u64>,
    pub cpu_milli: u32,
}

impl Offer {
    /// Why a task can never run here, if so.
    pub fn refuses(&self, plan: &TaskPlan) -> Option<Refusal> {
        let step = plan.step;
        if !self.stand_in && !self.has_devices(plan) {
            return Some(self.lacks_devices(plan));
        }
        if let Some(offered) = self.memory_bytes.filter(|offered| plan.memory_bytes > *offered) {
            let (needed, has) = (size(plan.memory_bytes), size(offered));
            let why = format!("`{step}` needs {needed} of memory, {has} offered");
            return Some(Refusal { why, has: offered });
        }
        let cores = |milli: u32| f64::from(milli) / 1000.0;
        (plan.cpu_milli > self.cpu_milli).then(|| Refusal {
            why: format!(
                "`{step}` needs {} cores, {} offered",
                cores(plan.cpu_milli),
                cores(self.cpu_milli)
            ),
            has: self.cpu_milli.into(),
        })
    }

    fn lacks_devices(&self, plan: &TaskPlan) -> Refusal {
        let largest = self.gpus.iter().map(|g| g.memory_bytes).max();
        let wanted = match plan.gpus {
            1 => "a GPU".into(),
            n => format!("{n} GPUs"),
        };
        let of_size = match plan.vram_bytes {
            0 => String::new(),
            bytes => format!(" with {}", size(bytes)),
        };
        let offered = match (self.fitting(plan), largest) {
            (_, None) => "none offered".into(),
            (0, Some(bytes)) => format!("the largest offered has {}", size(bytes)),
            (n, Some(_)) => format!("{n} offered"),
        };
        let why = format!("`{}` needs {wanted}{of_size}, {offered}", plan.step);
        Refusal { why, has: largest.unwrap_or_default() }
    }

    fn fitting(&self, plan: &TaskPlan) -> usize {
        self.gpus.iter().filter(|g| g.memory_bytes >= plan.vram_bytes).count()
    }

    /// Whether a GPU step gets real devices here.
    pub fn has_devices(&self, plan: &TaskPlan) -> bool {
        self.fitting(plan) >= usize::from(plan.gpus)
    }
}

/// Why a worker cannot run a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub why: String,
    /// What it has of what is short: of several workers the one with most comes nearest.
    pub has: u64,
}

/// Bytes for people.
fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes % (1 << 30) == 0 => format!("{} GiB", bytes >> 30),
        bytes => format!("{} MiB", bytes >> 20),
    }
}

/// What is free of an offer.
#[derive(Debug, Clone)]
pub(super) struct Ledger(Arc<Mutex<Free>>);

#[derive(Debug, Clone, Copy)]
struct Free {
    memory_bytes: u64,
    cpu_milli: u32,
    stand_ins: u32,
}

/// What a token has taken; given back when dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Share(Option<Arc<Taken>>);

impl Share {
    /// Whether this stands for the share of a claimed token.
    pub fn is_stand_in(&self) -> bool {
        self.0.as_ref().is_some_and(|t| t.amount.stand_ins > 0)
    }
}

#[derive(Debug)]
struct Taken {
    ledger: Ledger,
    amount: Free,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut free = self.ledger.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.memory_bytes = free.memory_bytes.saturating_add(self.amount.memory_bytes);
        free.cpu_milli += self.amount.cpu_milli;
        free.stand_ins += self.amount.stand_ins;
    }
}

impl Ledger {
    pub fn new(offer: &Offer) -> Self {
        Self(Arc::new(Mutex::new(Free {
            memory_bytes: offer.memory_bytes.unwrap_or(u64::MAX),
            cpu_milli: offer.cpu_milli,
            stand_ins: u32::from(offer.stand_in),
        })))
    }

    /// How many tasks of this kind fit now.
    pub fn room(&self, plan: &TaskPlan, offer: &Offer) -> i32 {
        let free = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let by_memory = free.memory_bytes.checked_div(plan.memory_bytes).unwrap_or(u64::MAX);
        let by_cpu = free.cpu_milli.checked_div(plan.cpu_milli).unwrap_or(u32::MAX);
        let by_stand_in =
            if plan.gpus > 0 && !offer.has_devices(plan) { free.stand_ins } else { u32::MAX };
        let room = by_memory.min(by_cpu.into()).min(by_stand_in.into());
        i32::try_from(room).unwrap_or(i32::MAX)
    }

    /// Takes what one task needs.
    pub fn take(&self, plan: &TaskPlan, offer: &Offer) -> Share {
        let amount = Free {
            memory_bytes: plan.memory_bytes,
            cpu_milli: plan.cpu_milli,
            stand_ins: u32::from(plan.gpus > 0 && !offer.has_devices(plan)),
        };
        if (amount.memory_bytes, amount.cpu_milli, amount.stand_ins) == (0, 0, 0) {
            return Share::default();
        }
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.memory_bytes = free.memory_bytes.saturating_sub(amount.memory_bytes);
        free.cpu_milli = free.cpu_milli.saturating_sub(amount.cpu_milli);
        free.stand_ins = free.stand_ins.saturating_sub(amount.stand_ins);
        Share(Some(Arc::new(Taken { ledger: self.clone(), amount })))
    }
}
