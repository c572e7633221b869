//! What a slice sees: the run's input and the stored results that it loads.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{payload::Json, spec::Stored};

/// The input of a run and the results of the nodes that a slice loads. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Env(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    input: Json,
    stored: HashMap<usize, Stored>,
    broken: Mutex<Option<String>>,
}

impl Env {
    /// `stored` is keyed by the node's index in its workflow.
    pub fn new(input: Json, stored: HashMap<usize, Stored>) -> Self {
        Self(Arc::new(Inner { input, stored, broken: Mutex::new(None) }))
    }

    /// The run's input.
    pub fn input(&self) -> &Json {
        &self.0.input
    }

    /// What is stored of a node.
    pub fn stored(&self, node: usize) -> Option<&Stored> {
        self.0.stored.get(&node)
    }

    /// Notes why a slice cannot go on; the first reason stays. Always `None`, so that a slice can return it.
    pub fn broke<T>(&self, why: String) -> Option<T> {
        self.0.broken.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(why);
        None
    }

    /// Why the slice could not go on.
    pub fn why(&self) -> String {
        self.0
            .broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_else(|| "not ready".into())
    }
}
