//! Steps replaced by type on a worker.

use std::time::Duration;

use pgflow::{Failure, WorkerError, step, testing::StubError, workflow};

use crate::support::{Database, PATIENCE, history};

type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the card is refused")]
    Refused,
    #[error(transparent)]
    Step(#[from] Failure),
}

struct Bank;

#[step(needs(Bank), retries = 5, retry_delay = "1h")]
async fn charge_card(cents: u32) -> Result<u32> {
    unreachable!("{cents} cents for real")
}

#[step]
async fn write_receipt(cents: u32) -> Result<String> {
    Ok(format!("{cents} cents"))
}

#[workflow]
async fn delivery(place: String) -> Result<String> {
    write_receipt(u32::try_from(place.len()).unwrap_or_default()).await
}

#[workflow]
async fn purchase(cents: u32) -> Result<String> {
    let paid = charge_card(cents).await?;
    #[id = "parts"]
    let parts = pgflow::map(vec![paid, 1], charge_card).await?;
    pgflow::sleep(Duration::from_hours(100_000)).await;
    let approved = pgflow::signal::<bool>("approved").await?;
    let place = pgflow::child(delivery("Oslo".into())).await?;
    let receipt = write_receipt(paid).await?;
    Ok(format!("{receipt}, {parts:?}, {approved}, {place}"))
}

const SERVED: [&str; 2] = ["purchase", "delivery"];

#[tokio::test(flavor = "multi_thread")]
async fn a_stub_stands_in_for_a_step_and_a_node_and_needs_no_state() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let worker = flow
        .worker()
        .only(SERVED)
        .stub(charge_card {}, Ok(99))
        .stub_node("sleep", &())
        .stub_node("signal:approved", &true)
        .stub_node("delivery", &"at the door");
    let worker = worker.spawn().await.unwrap();
    let run = flow.start::<purchase>(5).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "99 cents, [99, 99], true, at the door");
    assert_eq!(db.count("select count(*) from pgflow.run").await, 1, "the child was started");
    worker.drain(PATIENCE).await;
    db.check_invariants().await;
}

#[workflow]
async fn insists(cents: u32) -> Result<u32> {
    charge_card(cents).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stub_that_fails_is_tried_again_like_the_step() {
    let db = Database::new().await;
    let clock = db.virtual_time().await.unwrap();
    let flow = db.flow().await;
    let worker = flow.worker().only(["insists"]).stub_with(charge_card {}, |context| {
        if context.attempt() < 3 { Err(Error::Refused) } else { Ok(context.attempt()) }
    });
    let worker = worker.spawn().await.unwrap();
    let run = flow.start::<insists>(5).await.unwrap();
    assert_eq!(clock.auto_advance(run.output()).await.unwrap(), 3);
    let history = history(&run.status().await.unwrap());
    let expected = ["charge_card#1 failed", "charge_card#2 failed", "charge_card#3 done"];
    assert_eq!(history, expected);
    worker.drain(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stub_of_what_is_not_served_or_cannot_be_stored_is_refused() {
    let db = Database::new().await;
    let flow = db.flow().await;
    let refused = async |builder: pgflow::WorkerBuilder| match builder.spawn().await {
        Err(WorkerError::Stub(error)) => error,
        other => panic!("{other:?}"),
    };
    let unknown = refused(flow.worker().only(["delivery"]).stub(charge_card {}, Ok(1))).await;
    let expected = "no node `charge_card` to stub; known are `write_receipt`";
    assert_eq!(unknown.to_string(), expected);
    let unstorable = flow.worker().only(SERVED).state(Bank);
    let unstorable = refused(unstorable.stub_node("delivery", &f64::NAN)).await;
    assert!(matches!(unstorable, StubError::Unstorable { .. }), "{unstorable}");
}
