//! The cache of results, as a caching step reaches it.

use std::{sync::Arc, time::Duration};

use tokio::sync::Notify;

use crate::{
    context::{CacheSlot, Results},
    payload::Json,
    registry::TaskPlan,
    spec::BoxFuture,
    store::{
        StoreError, answered,
        cache::{Asker, Found, keep, look_up},
    },
};

use super::{super::token::Token, Shared};

/// `waits` is told when somebody else computes the result: the task goes back for a moment, without its slots and without
/// an attempt, and asks again.
pub(super) fn slot(
    shared: &Arc<Shared>,
    token: &Token,
    plan: &TaskPlan,
    waits: &Arc<Notify>,
) -> CacheSlot {
    let asker = Asker { worker: shared.worker, key: token.key, epoch: token.epoch };
    let results = Of { shared: shared.clone(), step: plan.step, asker };
    CacheSlot { results: Arc::new(results), waits: waits.clone() }
}

/// The results of a step, for one token.
#[derive(Clone)]
struct Of {
    shared: Arc<Shared>,
    step: &'static str,
    asker: Asker,
}

impl Results for Of {
    fn look_up(&self, key: Vec<u8>) -> BoxFuture<Result<Found, StoreError>> {
        let own = self.clone();
        Box::pin(async move {
            let mut reader = own.shared.reader.lock().await;
            let found =
                answered(async { look_up(reader.open().await?, &key, own.step, own.asker).await })
                    .await;
            if found.is_err() {
                reader.connection = None;
            }
            found
        })
    }

    fn keep(
        &self,
        key: Vec<u8>,
        value: Json,
        lasts: Duration,
    ) -> BoxFuture<Result<(), StoreError>> {
        let own = self.clone();
        Box::pin(async move {
            let mut reader = own.shared.reader.lock().await;
            let kept = answered(async {
                keep(reader.open().await?, &key, &value, lasts, own.asker).await
            })
            .await;
            if kept.is_err() {
                reader.connection = None;
            }
            kept
        })
    }
}
