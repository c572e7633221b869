//! The queue consumer through its test interface, and its acknowledgements on a real queue.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use architecture_learning::broadway::{
    Acknowledged, BoxError, Broadway, Event, Handler, Memory, Pgmq, RateLimit, Source, Telemetry,
    Topology,
};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::support::Database;

const NEVER: Duration = Duration::from_secs(3600);

/// `"fail"` fails, `"panic"` panics, anything else takes a permit and succeeds.
struct Gate(Arc<Semaphore>);

impl Handler for Gate {
    async fn handle(&self, body: Value) -> Result<(), BoxError> {
        assert!(body != "panic", "as told");
        if body == "fail" {
            return Err("as told".into());
        }
        self.0.acquire().await?.forget();
        Ok(())
    }
}

fn silent() -> Telemetry {
    Arc::new(|_| {})
}

fn one_processor() -> Topology {
    Topology { processors: 1, poll: Duration::from_millis(5), ..Topology::default() }
}

fn start(topology: &Topology, queue: &Memory, permits: usize) -> (Broadway, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(permits));
    (Broadway::start(topology, queue.clone(), Gate(gate.clone()), silent()), gate)
}

#[tokio::test]
async fn a_failure_and_a_panic_fail_their_message_alone() {
    let queue = Memory::default();
    let told = ["ok", "fail", "panic", "ok"].map(|body| queue.push(json!(body)));
    let topology = Topology { batch_timeout: Duration::ZERO, ..one_processor() };
    let (consumer, _) = start(&topology, &queue, 2);
    let mut fates = Vec::new();
    for told in told {
        fates.push(told.await.expect("acknowledged"));
    }
    let failed = |why: &str| Acknowledged::Failed(why.to_owned());
    let expected =
        [Acknowledged::Done, failed("as told"), failed("the handler panicked"), Acknowledged::Done];
    assert_eq!(fates, expected);
    assert!(consumer.drain().await);
}

#[tokio::test]
async fn a_processor_asks_for_ten_and_again_at_half() {
    let queue = Memory::default();
    let mut told: Vec<_> = (0..30).map(|n| queue.push(json!(n))).collect();
    let topology = Topology { batch_size: 1, ..one_processor() };
    let (consumer, gate) = start(&topology, &queue, 4);
    for told in told.drain(..4) {
        told.await.expect("done");
    }
    assert_eq!((queue.reads(), queue.waiting()), (vec![10], 20), "six are left: it does not ask");
    gate.add_permits(1);
    told.remove(0).await.expect("done");
    while queue.waiting() > 15 {
        tokio::task::yield_now().await;
    }
    assert_eq!(queue.reads(), [10, 5]);
    gate.add_permits(30);
    for told in told {
        told.await.expect("done");
    }
    assert!(consumer.drain().await);
}

#[tokio::test]
async fn a_batch_goes_when_it_is_full_late_or_the_last() {
    let queue = Memory::default();
    let topology = Topology { batch_size: 2, batch_timeout: NEVER, ..one_processor() };
    let (consumer, _) = start(&topology, &queue, 3);
    let [full, also, mut last] = [1, 2, 3].map(|n| queue.push(json!(n)));
    full.await.expect("full");
    also.await.expect("full");
    assert!(last.try_recv().is_err());
    assert!(consumer.drain().await);
    assert_eq!(last.await.expect("flushed by the drain"), Acknowledged::Done);

    let topology = Topology { batch_timeout: Duration::from_millis(1), ..one_processor() };
    let (consumer, _) = start(&topology, &queue, 1);
    assert_eq!(queue.push(json!(4)).await.expect("late"), Acknowledged::Done);
    assert!(consumer.drain().await);
}

#[tokio::test]
async fn a_drain_finishes_what_was_taken_and_leaves_the_rest() {
    let queue = Memory::default();
    let mut told: Vec<_> = (0..12).map(|n| queue.push(json!(n))).collect();
    let (consumer, gate) = start(&one_processor(), &queue, 0);
    while queue.waiting() > 2 {
        tokio::task::yield_now().await;
    }
    let drained = tokio::spawn(consumer.drain());
    gate.add_permits(12);
    assert!(drained.await.expect("drained"));
    for told in told.drain(..10) {
        assert_eq!(told.await.expect("taken"), Acknowledged::Done);
    }
    assert_eq!(queue.waiting(), 2);

    let stuck = Topology { drain: Duration::from_millis(1), ..one_processor() };
    let (consumer, _) = start(&stuck, &queue, 0);
    while queue.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!consumer.drain().await, "what is stuck does not hold up the drain");
}

#[tokio::test]
async fn a_rate_limit_holds_and_can_be_changed_while_it_runs() {
    let queue = Memory::default();
    let mut told: Vec<_> = (0..9).map(|n| queue.push(json!(n))).collect();
    let rate = RateLimit::new(4, Duration::from_millis(50));
    let topology = Topology { batch_size: 1, rate: Some(rate.clone()), ..one_processor() };
    let (consumer, _) = start(&topology, &queue, 9);
    rate.set(1000);
    told.remove(8).await.expect("done in a later interval");
    let reads = queue.reads();
    assert_eq!(reads[0], 4, "{reads:?}");
    assert!(reads[1..].iter().all(|most| *most <= 10) && reads.len() > 1, "{reads:?}");
    assert!(consumer.drain().await);
}

/// Ten, three seconds, thirty seconds, demand ten: as the stages keep them, by a clock that stands still meanwhile.
#[tokio::test(start_paused = true)]
async fn the_defaults_are_those_of_the_document() {
    let defaults = Topology::default();
    assert_eq!((defaults.batch_size, defaults.max_demand), (10, 10));
    assert_eq!(defaults.batch_timeout, Duration::from_secs(3));
    assert_eq!(defaults.drain, Duration::from_secs(30));
    assert!(defaults.rate.is_none());

    let started = |messages: usize, permits| {
        let queue = Memory::default();
        let told: Vec<_> = (0..messages).map(|n| queue.push(json!(n))).collect();
        let topology = Topology { processors: 1, ..Topology::default() };
        let (consumer, _) = start(&topology, &queue, permits);
        (queue, told, consumer, tokio::time::Instant::now())
    };
    let (queue, told, _consumer, began) = started(10, 10);
    for told in told {
        told.await.expect("done");
    }
    assert_eq!(began.elapsed(), Duration::ZERO, "ten are a batch");
    assert_eq!(queue.reads()[0], 10);
    let (_, told, _consumer, began) = started(9, 9);
    for told in told {
        told.await.expect("done");
    }
    assert_eq!(began.elapsed().as_secs(), 3, "nine wait for a tenth");
    let (queue, _told, consumer, began) = started(1, 0);
    while queue.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    assert!(!consumer.drain().await);
    assert_eq!(began.elapsed().as_secs(), 30, "what is stuck has thirty seconds");
}

#[tokio::test]
async fn reading_an_empty_queue_uses_up_nothing_of_the_rate() {
    let queue = Memory::default();
    let topology = Topology {
        batch_size: 1,
        rate: Some(RateLimit::new(4, NEVER)),
        poll: Duration::from_millis(1),
        ..one_processor()
    };
    let (consumer, _) = start(&topology, &queue, 9);
    while queue.reads().len() < 3 {
        tokio::task::yield_now().await;
    }
    let told: Vec<_> = (0..5).map(|n| queue.push(json!(n))).collect();
    for told in told.into_iter().take(4) {
        assert_eq!(told.await.expect("allowed"), Acknowledged::Done);
    }
    assert!(queue.reads().iter().all(|most| *most <= 4), "{:?}", queue.reads());
    assert_eq!(queue.waiting(), 1, "the fifth is for another interval");
    assert!(consumer.drain().await);
}

#[tokio::test]
async fn telemetry_tells_of_every_stage() {
    let queue = Memory::default();
    let (tell, mut told) = mpsc::unbounded_channel();
    let telemetry: Telemetry = Arc::new(move |event| drop(tell.send(event)));
    let names = Arc::new(Mutex::new(Vec::new()));
    let acknowledged = [queue.push(json!("ok")), queue.push(json!("fail"))];
    let gate = Gate(Arc::new(Semaphore::new(1)));
    let topology = Topology { batch_timeout: NEVER, ..one_processor() };
    let consumer = Broadway::start(&topology, queue, gate, telemetry);
    let [ok, failed] = acknowledged;
    failed.await.expect("failed");
    assert!(consumer.drain().await);
    ok.await.expect("done");
    while let Some(event) = told.recv().await {
        if let Event::ProcessorStop { successful, failed, .. } = &event {
            assert_eq!((*successful, *failed), (1, 1));
        }
        let name = format!("{event:?}");
        names.lock().unwrap().push(name.split([' ', '{']).next().unwrap().to_owned());
    }
    let mut names = names.lock().unwrap().clone();
    // the batcher goes beside the processor
    names.sort();
    let expected = [
        "BatchProcessorStart",
        "BatchProcessorStop",
        "BatcherStart",
        "BatcherStop",
        "FailureHandled",
        "MessageException",
        "MessageStart",
        "MessageStart",
        "MessageStop",
        "ProcessorStart",
        "ProcessorStop",
        "TopologyInit",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn success_deletes_and_the_tenth_failed_read_archives() {
    let database = Database::new("broadway").await;
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue("tasks").await.expect("a queue");
    for body in ["good", "bad"] {
        flow.send("tasks", &body).await.expect("sent");
    }
    let queue = Pgmq::new(flow.options().clone(), "tasks", Duration::ZERO);
    let read = queue.read(1).await.expect("one");
    assert_eq!(read[0].body, "good");
    queue.succeed(&[read[0].receipt]).await.expect("deleted");
    for reads in 1..=10 {
        assert_eq!(database.count("select count(*) from pgmq.a_tasks").await, 0);
        let read = queue.read(9).await.expect("the other");
        assert_eq!((read[0].receipt.reads, read.len()), (reads, 1));
        queue.fail(read[0].receipt, "it is bad").await.expect("given back");
    }
    assert!(queue.read(9).await.expect("nothing").is_empty());
    assert_eq!(database.count("select count(*) from pgmq.a_tasks where msg_id = 2").await, 1);
    drop((queue, flow));
    database.drop().await;
}

async fn queue_of(database: &Database, messages: usize) -> pgflow::Flow {
    let flow = pgflow::connect(&database.url()).await.expect("a flow");
    flow.make_queue("tasks").await.expect("a queue");
    for n in 0..messages {
        flow.send("tasks", &n).await.expect("sent");
    }
    flow
}

#[tokio::test]
async fn what_waits_in_a_processor_stays_hidden_however_long_that_takes() {
    const HIDDEN: Duration = Duration::from_secs(2);
    let database = Database::new("held").await;
    let flow = queue_of(&database, 10).await;
    let queue = || Pgmq::new(flow.options().clone(), "tasks", HIDDEN);
    let (gate, topology) = (Arc::new(Semaphore::new(0)), one_processor());
    let consumer = Broadway::start(&topology, queue(), Gate(gate.clone()), silent());
    while database.count("select count(*) from pgmq.q_tasks where read_ct > 0").await < 10 {
        tokio::task::yield_now().await;
    }
    let (began, other) = (Instant::now(), queue());
    while began.elapsed() < 2 * HIDDEN + HIDDEN / 2 {
        let found = other.read(10).await.expect("answered");
        assert!(found.is_empty(), "after {:?}: {found:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(database.count("select count(*) from pgmq.q_tasks where read_ct > 1").await, 0);
    gate.add_permits(11);
    assert!(consumer.drain().await);
    assert_eq!(gate.available_permits(), 1, "each was handled once");
    assert_eq!(database.count("select count(*) from pgmq.q_tasks").await, 0);
    drop((other, flow));
    database.drop().await;
}

#[tokio::test]
async fn what_another_reader_has_by_now_is_not_handled() {
    let database = Database::new("lost").await;
    let flow = queue_of(&database, 2).await;
    let queue = || Pgmq::new(flow.options().clone(), "tasks", Duration::from_secs(3));
    let (tell, mut told) = mpsc::unbounded_channel();
    let telemetry: Telemetry = Arc::new(move |event| drop(tell.send(event)));
    let gate = Arc::new(Semaphore::new(0));
    // it asks for no third message, so it does not read the second one again itself
    let topology = Topology { max_demand: 2, ..one_processor() };
    let consumer = Broadway::start(&topology, queue(), Gate(gate.clone()), telemetry);
    while database.count("select count(*) from pgmq.q_tasks where read_ct > 0").await < 2 {
        tokio::task::yield_now().await;
    }
    // as after a pause of this process
    let taken = loop {
        database.count("select count(*) from pgmq.set_vt('tasks', 2, 0)").await;
        let found = queue().read(2).await.expect("answered");
        if !found.is_empty() {
            break found;
        }
    };
    assert_eq!(taken.iter().map(|d| (d.receipt.id, d.receipt.reads)).collect::<Vec<_>>(), [(2, 2)]);
    while told.recv().await.expect("told") != (Event::MessageLost { id: 2 }) {}
    gate.add_permits(2);
    assert!(consumer.drain().await);
    assert_eq!(gate.available_permits(), 1, "the first was handled, the second is not ours");
    assert_eq!(database.count("select msg_id from pgmq.q_tasks").await, 2);
    drop(flow);
    database.drop().await;
}
