//! What the macros write down: nodes, edges, options, failures.

use pgflow::{Failure, FailureKind, Retryable, Workflow, step, workflow};
use pgflow_core::{
    env::Env,
    payload::Json,
    spec::{NodeKindSpec, NodeRun, Outcome, Stored},
};

type Fallible<T> = Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("busy")]
    Busy(#[source] std::fmt::Error),
    #[error("wrong input")]
    Wrong,
    #[error(transparent)]
    Parse(#[from] std::num::ParseIntError),
    #[error(transparent)]
    Step(#[from] Failure),
}

impl Retryable for Error {
    fn retryable(&self) -> bool {
        matches!(self, Self::Busy(_))
    }
}

#[step]
async fn read(n: u32) -> Fallible<Vec<u32>> {
    match n {
        1 => Err(Error::Busy(std::fmt::Error)),
        2 => Err(Error::Wrong),
        _ => Ok(vec![n]),
    }
}
#[step(id = "check-one", retries = 0)]
async fn check(n: u32, all: &[u32]) -> Fallible<u32> {
    Ok(n + all.len() as u32)
}
#[step]
async fn tell(_text: String) -> Fallible<()> {
    Ok(())
}
#[step]
async fn hopeless() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(pgflow::fatal("no such table").into())
}
#[step]
async fn plain_text() -> Result<(), String> {
    Err("no".into())
}

#[workflow(version = 2, timeout = "1h", retries = 5)]
async fn all(n: u32, s: String) -> Fallible<usize> {
    let found = read(n).await?;
    let checked = pgflow::map(found.clone(), |k| check(k, &found)).await;
    tell("started".into()).await?;
    #[id = "second-read"]
    let more = read(n + s.len() as u32).await;
    let _seen = tell_all().await?;
    let parsed: usize = s.parse()?;
    Ok(parsed + checked?.len() + more.map_or(0, |m| m.len()))
}
#[step(id = "tell-all")]
async fn tell_all() -> Fallible<()> {
    Ok(())
}

#[test]
fn nodes_and_edges() {
    let spec = (all::SPEC)();
    assert_eq!((spec.id, spec.version, spec.options.retries), ("all", 2, Some(5)));
    assert_eq!(spec.inputs, [("n", "u32"), ("s", "String")]);
    assert_eq!((spec.output_type, spec.output_loads), ("usize", &[1, 3][..]));
    assert!(spec.at.contains("specs.rs:"), "{}", spec.at);
    let edges: Vec<_> =
        spec.nodes.iter().map(|n| (n.loads, n.each_loads, n.order, n.tolerated)).collect();
    let none: &[usize] = &[];
    assert_eq!(
        edges,
        [
            (none, none, none, false),
            (&[0], &[0], none, true),
            (none, none, &[1], false),
            (none, none, &[2], true),
            (none, none, &[3], false),
        ]
    );
    let ids: Vec<_> = spec.nodes.iter().map(|n| n.id).collect();
    assert_eq!(ids, [None, None, None, Some("second-read"), None]);
    let NodeKindSpec::Map(step, _) = spec.nodes[1].kind else { panic!("a map") };
    assert_eq!((step.id, step.output, step.options.retries), ("check-one", "u32", Some(0)));
}

#[test]
fn an_input_is_checked_and_encoded_by_parameter_name() {
    let input = all::encode(&(3, "x".to_owned())).unwrap();
    assert_eq!(input.as_str(), r#"{"n":3,"s":"x"}"#);
    let spec = (all::SPEC)();
    assert_eq!((spec.check_input)(&input), Ok(()));
    let error = (spec.check_input)(&Json::from_trusted(r#"{"n":3}"#)).unwrap_err();
    assert!(error.to_string().starts_with("s: invalid type: null"), "{error}");
}

#[workflow]
async fn failing(n: u32) -> Fallible<u32> {
    let found = read(n).await?;
    Ok(found.len() as u32)
}
#[workflow]
async fn giving_up() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    hopeless().await
}
#[workflow]
async fn in_words() -> Result<(), String> {
    plain_text().await
}

/// The failure of the first node.
async fn failure<W: Workflow>(input: &W::Input) -> Failure {
    let env = Env::new(W::encode(input).unwrap(), [].into());
    let NodeRun::Step(run) = (W::SPEC)().nodes[0].run else { panic!("a step") };
    match run(env).await {
        Outcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_error_says_whether_another_attempt_may_help() {
    let busy = failure::<failing>(&1).await;
    assert_eq!(
        (busy.message.as_str(), busy.kind, busy.retryable),
        ("busy", FailureKind::Failed, true)
    );
    assert_eq!((busy.step.as_str(), busy.data), ("read", None));
    assert_eq!(busy.sources.len(), 1);
    assert!(!failure::<failing>(&2).await.retryable);
    let fatal = failure::<giving_up>(&()).await;
    assert_eq!((fatal.message.as_str(), fatal.retryable), ("no such table", false));
    // an error that does not say is retried; one that is serialisable is kept
    let text = failure::<in_words>(&()).await;
    assert_eq!((text.retryable, text.data.as_deref()), (true, Some("\"no\"")));
}

#[test]
fn a_stored_value_of_another_type_breaks_the_run_and_is_named() {
    let stored = [(0, Stored::Done(Json::from_trusted(r#"{"no":"list"}"#)))].into();
    let env = Env::new(Json::from_trusted("1"), stored);
    let Outcome::Broken(why) = ((failing::SPEC)().output)(&env) else { panic!("it decoded") };
    assert!(why.starts_with("the stored output of node 0 does not decode: "), "{why}");
    let env = Env::new(Json::from_trusted("\"x\""), [].into());
    let Outcome::Broken(why) = ((failing::SPEC)().output)(&env) else { panic!("it loaded") };
    assert_eq!(why, "node 0 is not loaded");
}

#[test]
fn the_bodys_own_error_is_a_failure_of_the_body() {
    let stored =
        [(1, Stored::Elements(vec![])), (3, Stored::Done(Json::from_trusted("[]")))].into();
    let env = Env::new(all::encode(&(1, "x".into())).unwrap(), stored);
    let Outcome::Failed(failure) = ((all::SPEC)().output)(&env) else { panic!("it parsed") };
    assert_eq!((failure.step.as_str(), failure.kind), ("body", FailureKind::Body));
    assert!(!failure.retryable);
}

#[cfg(feature = "insta")]
#[test]
fn a_definition_is_an_accepted_file() {
    pgflow::assert_definition!(all);
}
