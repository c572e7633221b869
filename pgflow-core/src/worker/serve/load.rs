//! What slices read: from memory while a token of the run is here, and from the database.

use std::{collections::HashMap, sync::PoisonError};

use crate::{
    definition::NodeKind,
    env::Env,
    failure::{Failure, FailureKind},
    payload::Json,
    record::BODY,
    registry::Version,
    spec::Stored,
    store::{
        Connection, RunId, StoreError, answered,
        claim::{Loaded, load, load_input},
        connect::Endpoint,
    },
};

use super::{super::token::Token, Shared};

/// The connection for reads, opened again when it breaks.
pub(in super::super) struct Reader {
    pub endpoint: Endpoint,
    pub connection: Option<Connection<'static>>,
}

/// What is known here of a run, while a token of it is here.
#[derive(Default)]
pub(in super::super) struct RunCache {
    pub input: Option<Json>,
    /// By number of the node, which is the same in all versions.
    pub results: HashMap<i16, Stored>,
}

/// Why pure code has no value.
pub(super) enum Trouble {
    /// The database does not answer now.
    Unreadable(StoreError),
    /// It failed, or what it reads cannot be read.
    Failed(Failure),
}

impl Trouble {
    pub fn in_body(text: impl Into<String>) -> Self {
        Self::Failed(Failure::new(BODY, FailureKind::Body, text))
    }
}

fn cached<T>(shared: &Shared, run: RunId, f: impl FnOnce(&mut RunCache) -> T) -> T {
    f(shared.runs.lock().unwrap_or_else(PoisonError::into_inner).entry(run).or_default())
}

/// What a slice sees: what this flush will store, what is known here, and from the database what is not.
pub(super) async fn env(
    shared: &Shared,
    token: &Token,
    reads: &[usize],
    known: &[(usize, Stored)],
) -> Result<Env, Trouble> {
    let numbers = &token.version.numbers.nodes;
    let (mut input, mut stored) = cached(shared, token.run(), |cache| {
        let known =
            reads.iter().filter_map(|n| Some((*n, cache.results.get(&numbers[*n])?.clone())));
        (cache.input.clone(), known.collect::<HashMap<_, _>>())
    });
    stored.extend(known.iter().cloned());
    let missing: Vec<usize> = reads.iter().copied().filter(|n| !stored.contains_key(n)).collect();
    if input.is_none() || !missing.is_empty() {
        let fetched = fetch(shared, token, input.is_none(), &missing).await?;
        input = input.or(fetched.0);
        stored.extend(fetched.1);
    }
    Ok(Env::new(input.unwrap_or_else(Json::null), stored))
}

/// Loads the input and results of nodes, and keeps them.
async fn fetch(
    shared: &Shared,
    token: &Token,
    input: bool,
    nodes: &[usize],
) -> Result<(Option<Json>, HashMap<usize, Stored>), Trouble> {
    let run = token.run();
    let wanted: Vec<(RunId, i16)> =
        nodes.iter().map(|n| (run, token.version.numbers.nodes[*n])).collect();
    let (input, rows) = {
        let mut reader = shared.reader.lock().await;
        let got = answered(async {
            let connection = reader.open().await?;
            let input = if input { Some(load_input(connection, run).await?) } else { None };
            let rows =
                if wanted.is_empty() { Vec::new() } else { load(connection, &wanted).await? };
            Ok((input, rows))
        })
        .await;
        got.map_err(|error| {
            reader.connection = None;
            Trouble::Unreadable(error)
        })?
    };
    let mut results = HashMap::new();
    for node in nodes {
        results.insert(*node, assemble(&token.version, *node, &rows)?);
    }
    cached(shared, run, |cache| {
        cache.input = cache.input.take().or_else(|| input.clone());
        let numbers = &token.version.numbers.nodes;
        cache.results.extend(results.iter().map(|(n, stored)| (numbers[*n], stored.clone())));
    });
    Ok((input, results))
}

/// The result of a node from its rows: a row of its own, or the elements of a map in order.
fn assemble(version: &Version, node: usize, rows: &[Loaded]) -> Result<Stored, Trouble> {
    let number = version.numbers.nodes[node];
    let own = rows.iter().filter(|r| r.node == number);
    if let Some(row) = own.clone().find(|r| r.elem == 0) {
        return Ok(row.stored.clone());
    }
    let definition = &version.definition.nodes[node];
    if definition.kind != NodeKind::Map {
        let id = &definition.id;
        return Err(Trouble::in_body(format!("the result of `{id}` should be stored and is not")));
    }
    let results = own.map(|row| match &row.stored {
        Stored::Done(output) => Ok(output.clone()),
        Stored::Failed(failure) => Err(failure.clone()),
        other => Err(Failure::new(BODY, FailureKind::Body, format!("an element is {other:?}"))),
    });
    if definition.at_least.is_some() {
        return Ok(Stored::Results(results.collect()));
    }
    // of several that failed the first in input order
    Ok(match results.collect() {
        Ok(outputs) => Stored::Elements(outputs),
        Err(failure) => Stored::Failed(failure),
    })
}

impl Reader {
    pub async fn open(&mut self) -> Result<&mut Connection<'static>, StoreError> {
        if self.connection.is_none() {
            self.connection = Some(self.endpoint.open("claims").await?);
        }
        self.connection
            .as_mut()
            .ok_or(StoreError { operation: "accept a connection", source: sqlx::Error::PoolClosed })
    }
}
