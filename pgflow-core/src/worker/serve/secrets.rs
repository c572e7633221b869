//! What of a run's payloads must not be shown, as far as it is known here: all that its code can have seen.

use std::sync::PoisonError;

use crate::{redact::Secrets, spec::Stored};

use super::{super::token::Token, Shared};

/// The values that the run's definition hides, in its input and in the results that were loaded here; `known`: also in these.
pub(super) fn secrets(shared: &Shared, token: &Token, known: &[(usize, Stored)]) -> Secrets {
    let definition = &token.version.definition;
    let mut secrets = Secrets::default();
    if !definition.redacts() {
        return secrets;
    }
    let (input, results) = {
        let runs = shared.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(cache) = runs.get(&token.run()) else { return secrets };
        let numbers = token.version.numbers.nodes.iter().enumerate();
        let loaded =
            numbers.filter_map(|(n, number)| Some((n, cache.results.get(number)?.clone())));
        (cache.input.clone(), loaded.collect::<Vec<_>>())
    };
    if let Some(input) = input {
        secrets.add(&input, &definition.options.redact);
    }
    for (node, stored) in results.iter().chain(known) {
        add(&mut secrets, stored, &definition.nodes[*node].redact);
    }
    secrets
}

fn add(secrets: &mut Secrets, stored: &Stored, pointers: &[String]) {
    match stored {
        Stored::Done(output) => secrets.add(output, pointers),
        Stored::Elements(outputs) => outputs.iter().for_each(|o| secrets.add(o, pointers)),
        Stored::Results(results) => {
            results.iter().flatten().for_each(|output| secrets.add(output, pointers));
        }
        Stored::Failed(_) | Stored::Skipped => {}
    }
}
