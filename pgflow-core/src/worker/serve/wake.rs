//! Waits that are over: of a sleep, a signal, a child, and of a map for its elements.

use crate::{
    definition::NodeKind,
    failure::{Failure, FailureKind},
    lifecycle::{AttemptStatus, Event, Position},
    payload::Json,
    record,
    spec::Stored,
    store::{
        StoreError, answered,
        claim::{Child, load_child, load_signal},
        flush::Wait,
    },
};

use super::{
    super::token::{Token, Verdict},
    Shared,
    follow::{Moved, finish, park},
    judge::{attempt_row, broken, conclude, fail_run, stays, unreadable},
    load::{Trouble, env},
};

/// A sleep, signal or child whose token is ready.
pub(super) async fn wake(shared: &Shared, token: &Token, node: usize) -> Verdict {
    let result = match token.version.graph.kind(node) {
        NodeKind::Sleep => Ok(Json::null()),
        NodeKind::Signal => match signal(shared, token, node).await {
            Ok(Some(payload)) => Ok(payload),
            Ok(None) if token.input.is_some() => Err(late(token, node)),
            Ok(None) => return again(token, Wait::Signal(name(token, node))),
            Err(error) => return unreadable(token, &error),
        },
        NodeKind::Child => match child(shared, token).await {
            Ok(Some(Child::Completed(output))) => Ok(output),
            Ok(Some(Child::Failed(failure))) => Err(failure),
            Ok(Some(Child::Live)) => return again(token, Wait::Time),
            Ok(None) => return broken(shared, token, "the child run is not there".into()),
            Err(error) => return unreadable(token, &error),
        },
        NodeKind::Step | NodeKind::Map | NodeKind::Branch => {
            return broken(shared, token, "a wait at what does not wait".into());
        }
    };
    match result {
        Ok(output) => {
            let row = attempt_row(token, AttemptStatus::Done, Some(output.clone()), None);
            conclude(shared, token, row, Ok(output)).await
        }
        Err(failure) => {
            let status = match failure.kind {
                FailureKind::TimedOut => AttemptStatus::TimedOut,
                _ => AttemptStatus::Failed,
            };
            let row = attempt_row(token, status, None, Some(&failure));
            conclude(shared, token, row, Err(failure)).await
        }
    }
}

/// Woken for nothing, after a pause say: it waits on.
fn again(token: &Token, wait: Wait) -> Verdict {
    stays(token, None, park(token, token.at, wait, None))
}

async fn signal(shared: &Shared, token: &Token, node: usize) -> Result<Option<Json>, StoreError> {
    let mut reader = shared.reader.lock().await;
    let name = name(token, node);
    let loaded =
        answered(async { load_signal(reader.open().await?, token.run(), &name).await }).await;
    if loaded.is_err() {
        reader.connection = None;
    }
    loaded
}

async fn child(shared: &Shared, token: &Token) -> Result<Option<Child>, StoreError> {
    let mut reader = shared.reader.lock().await;
    let loaded = answered(async { load_child(reader.open().await?, token.key).await }).await;
    if loaded.is_err() {
        reader.connection = None;
    }
    loaded
}

fn name(token: &Token, node: usize) -> String {
    token.version.definition.nodes[node].signal.clone().unwrap_or_default()
}

fn late(token: &Token, node: usize) -> Failure {
    let limit = token.input.as_ref().and_then(|ms| ms.decode().ok()).unwrap_or_default();
    let limit = std::time::Duration::from_millis(limit);
    record::late_signal(&token.version.definition.nodes[node].id, &name(token, node), limit)
}

/// All elements of a map have arrived.
pub(super) async fn gather(shared: &Shared, token: &Token, node: usize) -> Verdict {
    let definition = &token.version.definition.nodes[node];
    let along = Moved::along(&token.version, Position::Gather(node), Event::Passed);
    let Some(share) = definition.at_least else {
        return finish(shared, token, None, along).await;
    };
    let env = match env(shared, token, &[node], &[]).await {
        Ok(env) => env,
        Err(Trouble::Unreadable(error)) => return unreadable(token, &error),
        Err(Trouble::Failed(failure)) => return fail_run(shared, token, failure),
    };
    let Some(Stored::Results(results)) = env.stored(node) else {
        return broken(shared, token, "a map without results".into());
    };
    match too_few(results, share, &definition.id) {
        None => finish(shared, token, None, along).await,
        Some(failure) => {
            let row = attempt_row(token, AttemptStatus::Failed, None, Some(&failure));
            conclude(shared, token, row, Err(failure)).await
        }
    }
}

/// The failure of a map of which fewer than this share succeeded.
fn too_few(results: &[Result<Json, Failure>], share: f64, node: &str) -> Option<Failure> {
    let done = results.iter().filter(|r| r.is_ok()).count();
    let first = results.iter().find_map(|r| r.as_ref().err()).map_or("", |f| &f.message);
    record::too_few(node, done, results.len(), share, first)
}
