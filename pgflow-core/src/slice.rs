//! What the slices of a body call: loading what is stored, and turning what they came to into an [`Outcome`].

use std::time::Duration;

use crate::{
    env::Env,
    failure::Failure,
    payload::{Json, PayloadError},
    record,
    spec::{Outcome, Stored, WorkflowSpec},
    traits::{Codec, Payload, Step},
};

/// Stands for a binding that a slice leaves out, so that a reader that was overlooked does not see an older binding
/// of the name.
#[derive(Debug)]
pub struct NotRead;

/// What a slice gives: a value; nothing where something could not be loaded, the reason being in [`Env`]; or the
/// error of pure code in the body.
pub type Slice<T, E> = Result<Option<T>, E>;

/// The input `name`, read by a probe on its type. `None` as name: the only input, which is the payload itself.
pub fn input<T>(
    env: &Env,
    name: Option<&str>,
    decode: impl Fn(&Json) -> Result<T, PayloadError>,
) -> Option<T> {
    match input_of(env.input(), name, decode) {
        Ok(value) => Some(value),
        Err(e) => env.broke(format!("the input does not decode: {e}")),
    }
}

/// The input `name` of a payload.
///
/// # Errors
/// [`PayloadError::Mismatch`] where another type is stored.
pub fn input_of<T>(
    payload: &Json,
    name: Option<&str>,
    decode: impl Fn(&Json) -> Result<T, PayloadError>,
) -> Result<T, PayloadError> {
    let Some(name) = name else { return decode(payload) };
    // a missing member may be an `Option`
    let member = payload.member(name).unwrap_or_else(Json::null);
    decode(&member).map_err(|e| {
        let (PayloadError::Mismatch { path, problem } | PayloadError::Unstorable { path, problem }) = e;
        let path = if path == "." { name.to_owned() } else { format!("{name}.{path}") };
        PayloadError::Mismatch { path, problem }
    })
}

/// Checks that a payload decodes as the output of a step.
///
/// # Errors
/// [`PayloadError::Mismatch`] where it does not.
pub fn check_output<S: Step>(payload: &Json) -> Result<(), PayloadError> {
    S::Codec::default().decode(payload).map(drop)
}

/// Several inputs as one payload: an object by parameter name.
///
/// # Errors
/// The first input that cannot be stored.
pub fn object(members: Vec<(&str, Result<Json, PayloadError>)>) -> Result<Json, PayloadError> {
    let mut text = String::from("{");
    for (name, value) in members {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(Json::encode(name)?.as_str());
        text.push(':');
        text.push_str(value?.as_str());
    }
    text.push('}');
    Ok(Json::from_trusted(text))
}

/// The output of a step that succeeded.
pub fn output<O, E>(env: &Env, node: usize, codec: impl Codec<O, E>) -> Option<O> {
    match env.stored(node) {
        Some(Stored::Done(json)) => decoded(env, node, codec.decode(json)),
        other => missing(env, node, other),
    }
}

/// The outputs of a map whose elements succeeded.
pub fn outputs<O, E>(env: &Env, node: usize, codec: impl Codec<O, E>) -> Option<Vec<O>> {
    match env.stored(node) {
        Some(Stored::Elements(list)) => {
            list.iter().map(|json| decoded(env, node, codec.decode(json))).collect()
        }
        other => missing(env, node, other),
    }
}

/// The result of a tolerated step: the exact error where it was stored, else one made from the failure.
pub fn result<O, E>(
    env: &Env,
    node: usize,
    codec: impl Codec<O, E>,
    revive: fn(Failure) -> E,
) -> Option<Result<O, E>> {
    match env.stored(node) {
        Some(Stored::Failed(failure)) => Some(Err(revived(failure, codec, revive))),
        _ => output(env, node, codec).map(Ok),
    }
}

/// The result of a tolerated map.
pub fn results<O, E>(
    env: &Env,
    node: usize,
    codec: impl Codec<O, E>,
    revive: fn(Failure) -> E,
) -> Option<Result<Vec<O>, E>> {
    match env.stored(node) {
        Some(Stored::Failed(failure)) => Some(Err(revived(failure, codec, revive))),
        _ => outputs(env, node, codec).map(Ok),
    }
}

/// What became of each element of a map that may lose some.
pub fn partial<O, E>(
    env: &Env,
    node: usize,
    codec: impl Codec<O, E>,
    revive: fn(Failure) -> E,
) -> Option<Vec<Result<O, E>>> {
    let Some(Stored::Results(list)) = env.stored(node) else {
        return missing(env, node, env.stored(node));
    };
    let element = |result: &Result<Json, Failure>| match result {
        Ok(json) => decoded(env, node, codec.decode(json)).map(Ok),
        Err(failure) => Some(Err(revived(failure, codec, revive))),
    };
    list.iter().map(element).collect()
}

/// The same of a tolerated map, of which too few may have succeeded.
pub fn partial_result<O, E>(
    env: &Env,
    node: usize,
    codec: impl Codec<O, E>,
    revive: fn(Failure) -> E,
) -> Option<Result<Vec<Result<O, E>>, E>> {
    match env.stored(node) {
        Some(Stored::Failed(failure)) => Some(Err(revived(failure, codec, revive))),
        _ => partial(env, node, codec, revive).map(Ok),
    }
}

/// The payload of a signal, or the value of a child.
pub fn value<T>(
    env: &Env,
    node: usize,
    decode: impl Fn(&Json) -> Result<T, PayloadError>,
) -> Option<T> {
    match env.stored(node) {
        Some(Stored::Done(json)) => decoded(env, node, decode(json)),
        other => missing(env, node, other),
    }
}

/// The same where it is tolerated.
pub fn value_result<T, E>(
    env: &Env,
    node: usize,
    decode: impl Fn(&Json) -> Result<T, PayloadError>,
    revive: impl Fn(&Failure) -> E,
) -> Option<Result<T, E>> {
    match env.stored(node) {
        Some(Stored::Failed(failure)) => Some(Err(revive(failure))),
        _ => value(env, node, decode).map(Ok),
    }
}

/// Whether a branch took the arm of this key.
pub fn took(env: &Env, branch: usize, key: &str) -> Option<bool> {
    match env.stored(branch) {
        Some(Stored::Done(json)) => {
            decoded(env, branch, json.decode::<String>()).map(|taken| taken == key)
        }
        other => missing(env, branch, other),
    }
}

/// The end of a slice whose patterns do not match as they did when the branch was decided.
pub fn diverged<T>(env: &Env, branch: &str) -> Option<T> {
    env.broke(format!("branch `{branch}` matched another arm than the one recorded"))
}

/// The element of a map, back from storage.
pub fn element<T: Payload>(env: &Env, item: &Json) -> Option<T> {
    match item.decode() {
        Ok(value) => Some(value),
        Err(e) => env.broke(format!("an element of a map does not decode: {e}")),
    }
}

fn revived<O, E>(failure: &Failure, codec: impl Codec<O, E>, revive: fn(Failure) -> E) -> E {
    codec.decode_error(failure).unwrap_or_else(|| revive(failure.clone()))
}

fn decoded<T>(env: &Env, node: usize, value: Result<T, PayloadError>) -> Option<T> {
    match value {
        Ok(value) => Some(value),
        Err(e) => env.broke(format!("the stored output of node {node} does not decode: {e}")),
    }
}

fn missing<T>(env: &Env, node: usize, found: Option<&Stored>) -> Option<T> {
    env.broke(match found {
        None => format!("node {node} is not loaded"),
        Some(Stored::Done(_)) => format!("node {node} holds one output where a list is read"),
        Some(Stored::Elements(_)) => format!("node {node} holds a list where one output is read"),
        Some(Stored::Failed(f)) => format!("node {node} failed: {f}"),
        Some(Stored::Results(_)) => format!("node {node} holds results where outputs are read"),
        Some(Stored::Skipped) => format!("node {node} was skipped"),
    })
}

/// The end of a step's slice.
pub fn finish_step<O, F, E>(
    env: &Env,
    step: &str,
    codec: impl Codec<O, F>,
    body: fn(E) -> Failure,
    slice: Slice<Result<O, F>, E>,
) -> Outcome {
    match slice {
        Ok(Some(Ok(output))) => match codec.encode(&output) {
            Ok(json) => Outcome::Done(json),
            Err(e) => Outcome::Failed(record::unstorable(step, &e)),
        },
        Ok(Some(Err(error))) => Outcome::Failed(codec.fail(error)),
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

/// The end of the slice that gives the elements of a map of `step`.
pub fn finish_items<E>(
    env: &Env,
    step: &str,
    body: fn(E) -> Failure,
    slice: Slice<Vec<Result<Json, PayloadError>>, E>,
) -> Outcome {
    match slice {
        Ok(Some(items)) => match items.into_iter().collect() {
            Ok(items) => Outcome::Items(items),
            Err(e) => {
                let what = format!("an element for `{step}`");
                Outcome::Failed(record::unstorable_in_body(&what, &e))
            }
        },
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

/// The end of the slice that decides a branch.
pub fn finish_arm<E>(env: &Env, body: fn(E) -> Failure, slice: Slice<usize, E>) -> Outcome {
    match slice {
        Ok(Some(arm)) => Outcome::Arm(arm),
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

/// The end of the slice of a sleep, or of a signal, which may be waited for without end.
pub fn finish_wait<E>(
    env: &Env,
    body: fn(E) -> Failure,
    slice: Slice<Option<Duration>, E>,
) -> Outcome {
    match slice {
        Ok(Some(limit)) => Outcome::Wait(limit),
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

/// The input of a child from its arguments.
///
/// # Errors
/// The first argument that cannot be stored.
pub fn child_input(
    child: &WorkflowSpec,
    arguments: Vec<Result<Json, PayloadError>>,
) -> Result<Json, PayloadError> {
    if child.inputs.len() == 1 {
        return arguments.into_iter().next().unwrap_or_else(|| Ok(Json::null()));
    }
    if child.inputs.is_empty() {
        return Ok(Json::null());
    }
    object(child.inputs.iter().map(|(name, _)| *name).zip(arguments).collect())
}

/// The end of the slice that gives the input of a run of `child`.
pub fn finish_input<E>(
    env: &Env,
    child: &str,
    body: fn(E) -> Failure,
    slice: Slice<Result<Json, PayloadError>, E>,
) -> Outcome {
    match slice {
        Ok(Some(Ok(json))) => Outcome::Done(json),
        Ok(Some(Err(e))) => {
            Outcome::Failed(record::unstorable_in_body(&format!("the input of `{child}`"), &e))
        }
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

/// The end of the slice that gives the run's value, encoded by a probe.
pub fn finish_value<E>(
    env: &Env,
    body: fn(E) -> Failure,
    slice: Slice<Result<Json, PayloadError>, E>,
) -> Outcome {
    match slice {
        Ok(Some(Ok(json))) => Outcome::Done(json),
        Ok(Some(Err(e))) => {
            Outcome::Failed(record::unstorable_in_body("the value of the workflow", &e))
        }
        Ok(None) => Outcome::Broken(env.why()),
        Err(error) => Outcome::Failed(body(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(text: &str) -> Json {
        Json::from_trusted(text)
    }

    #[test]
    fn an_input_is_named_where_it_does_not_decode() {
        let error = input_of(&payload(r#"{"n":"x"}"#), Some("n"), Json::decode::<u32>).unwrap_err();
        assert!(error.to_string().starts_with("n: invalid type: string"), "{error}");
        let all = payload(r#"{"n":3}"#);
        assert_eq!(input_of(&all, Some("n"), Json::decode::<u32>).unwrap(), 3);
        assert_eq!(input_of(&all, Some("m"), Json::decode::<Option<u32>>).unwrap(), None);
        assert!(input_of(&all, Some("m"), Json::decode::<u32>).is_err());
    }

    #[test]
    fn several_inputs_are_an_object() {
        let json = object(vec![("a", Json::encode(&1)), ("b", Json::encode("x"))]).unwrap();
        assert_eq!(json.as_str(), r#"{"a":1,"b":"x"}"#);
        assert_eq!(object(vec![]).unwrap().as_str(), "{}");
    }
}
