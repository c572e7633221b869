//! The proof of the store's fences: a search of *all* interleavings of a few workers, clients and faults.
//!
//! Where tokens go is [`settle`](pgflow_core::lifecycle::settle), which the engine asks too. What the statements of
//! `pgflow-core/migrations/` do to rows is written down once more in `statements`, small enough to be read beside them:
//! statements of a transaction see what was committed before they began, wait for rows that another has written, and go on
//! with what these hold then. `machine` holds the SQL to it, row by row; `scheduler` lets transactions on connections of
//! their own overlap, break and wait for each other.
//!
//! Then each fence is taken away, and the search must say what breaks.

mod follow;
pub mod graphs;
mod machine;
mod moves;
mod places;
mod scheduler;
mod search;
mod statements;
mod world;

use pgflow_core::{definition::Definition, lifecycle::Graph};

use crate::support::everything;

use search::{Found, search};

/// What keeps the engine right. Each can be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fence {
    /// A flush names the epoch of the token that it settles.
    Epoch,
    /// A flush names the worker that holds it.
    Holder,
    ClaimRaisesEpoch,
    RecoveryRaisesEpoch,
    MoveRaisesEpoch,
    /// A claim looks once more whether its candidate is ready, under its lock.
    ClaimLooksAgain,
    /// Who has no lease claims nothing.
    Lease,
    /// Recovery looks again for what the dead hold.
    SweepAgain,
    /// What was not taken leaves nothing.
    OnlyWhatWasTaken,
    /// Arrivals are added to the row as it is, not as it was read.
    JoinUpsert,
    /// The end of a run changes its state only where it is live.
    StateOnce,
    /// The ender looks until it sees no token.
    EnderLooksAgain,
    /// Children are looked for once more when the tokens are gone.
    ChildrenLast,
    /// Whoever parks on a signal and whoever sends it take the run's lock.
    SignalLock,
    /// The end of a child touches its parent's token whether or not that waits.
    WakeTouches,
    /// Whoever parks again for a child looks whether it has ended.
    ParkLooks,
    PauseLooksAgain,
    ResumeLooksAgain,
    /// A child of a paused run begins paused.
    ChildInheritsPause,
    /// A token that waits on keeps its attempt: that of a dead worker may be written down.
    WaitsOnAsItWas,
    /// A node whose arm is not taken waits as if it were.
    SkipWaits,
    /// After a lost answer a worker asks what it holds.
    AskWhatIsHeld,
}

/// What may go wrong, `most_faults` times in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A worker dies; what it had sent may still be committed.
    Crash,
    /// Its lease runs out and it goes on.
    Freeze,
    /// The connection breaks before or after a commit.
    AnswerLost,
    /// A worker gives back what it holds.
    HandBack,
    /// A step fails and is tried again.
    Retry,
}

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Cancel,
    Signal,
    Pause,
    Resume,
}

/// What is searched.
#[derive(Debug)]
struct Model {
    /// That of the run, and of its child; without a child all runs are of the one.
    workflows: Vec<(Definition, Graph)>,
    workers: usize,
    /// What a worker holds at most by claiming.
    slots: usize,
    /// Tokens go on in the worker that moved them.
    direct: bool,
    /// The arm that branches take.
    arm: &'static str,
    /// Of each list.
    elements: usize,
    /// The last element that may begin at once.
    bound: Option<i32>,
    /// A step of which one at a time may run, over all runs; only on Postgres.
    alone: Option<&'static str>,
    /// Waits for signals have a limit.
    limit: bool,
    /// A step may fail for good.
    step_fails: bool,
    /// Each client's acts, in order, at any time.
    clients: Vec<Vec<Act>>,
    faults: Vec<Fault>,
    most_faults: u8,
    without: Vec<Fence>,
}

impl Model {
    fn of(workflows: &[Definition]) -> Self {
        let workflow = |d: &Definition| (d.clone(), Graph::new(d).unwrap());
        Self {
            workflows: workflows.iter().map(workflow).collect(),
            workers: 2,
            slots: 1,
            direct: true,
            arm: "else",
            elements: 2,
            bound: None,
            alone: None,
            limit: false,
            step_fails: false,
            clients: Vec::new(),
            faults: Vec::new(),
            most_faults: if everything() { 2 } else { 1 },
            without: Vec::new(),
        }
    }

    /// Which workflow a run is of.
    fn which(&self, run: usize) -> usize {
        run.min(self.workflows.len() - 1)
    }

    fn workflow(&self, run: usize) -> &(Definition, Graph) {
        &self.workflows[self.which(run)]
    }

    /// Whether there may be several runs: no client acts, and no run has a child.
    fn may_begin_again(&self) -> bool {
        self.workflows.len() == 1 && self.clients.is_empty()
    }

    fn lacks(&self, fence: Fence) -> bool {
        self.without.contains(&fence)
    }
}

/// What is searched, by name.
fn models() -> Vec<(&'static str, Model)> {
    use Act::{Cancel, Pause, Resume, Signal};
    let faults =
        || vec![Fault::Crash, Fault::Freeze, Fault::AnswerLost, Fault::HandBack, Fault::Retry];
    let of = |workflows: &[Definition]| Model { faults: faults(), ..Model::of(workflows) };
    let diamond = || of(&[graphs::diamond()]);
    let skipping = || of(&[graphs::skipping()]);
    let bounded = || Model { elements: 3, ..of(&[graphs::bounded()]) };
    let waiting =
        || Model { clients: vec![vec![Signal], vec![Pause, Resume]], ..of(&[graphs::signalled()]) };
    let child = || of(&[graphs::parent(), graphs::inner()]);
    vec![
        ("siblings that join", diamond()),
        ("siblings in one worker", Model { slots: 2, ..diamond() }),
        ("siblings that are claimed", Model { slots: 2, direct: false, ..diamond() }),
        ("a skipped arm", skipping()),
        ("a taken arm", Model { arm: "then", ..skipping() }),
        ("a bounded map", Model { bound: Some(1), ..bounded() }),
        ("a bounded map in batches", Model { bound: Some(2), slots: 2, ..bounded() }),
        ("a signal", waiting()),
        ("a signal with a limit", Model { limit: true, ..waiting() }),
        ("a child and a pause", Model { clients: vec![vec![Pause, Resume]], ..child() }),
        ("a pause", Model { clients: vec![vec![Pause, Resume]], ..diamond() }),
        ("a cancelled run", Model { clients: vec![vec![Cancel]], step_fails: true, ..diamond() }),
        ("a cancelled parent", Model { clients: vec![vec![Cancel]], step_fails: true, ..child() }),
    ]
}

/// Searches all, each on a thread of its own.
fn search_all(models: Vec<(&'static str, Model)>) -> Vec<(String, Found)> {
    std::thread::scope(|scope| {
        let searches: Vec<_> = models
            .into_iter()
            .map(|(name, model)| {
                let what = format!("{name}, without {:?}", model.without);
                (what, scope.spawn(move || search(&model)))
            })
            .collect();
        searches.into_iter().map(|(what, search)| (what, search.join().unwrap())).collect()
    })
}

#[test]
fn nothing_that_may_happen_breaks_a_property() {
    for (what, Found { worlds, broken }) in search_all(models()) {
        println!("{what}: {worlds} worlds");
        if let Some((property, events)) = broken {
            let told: Vec<String> = events.iter().map(ToString::to_string).collect();
            panic!("{what}: {property}\n  {}", told.join("\n  "));
        }
    }
}

/// Fences, the model in which something breaks without them, and what.
type Break = (&'static [Fence], &'static str, &'static str);

/// What breaks without each fence, where first.
const BREAKS: &[Break] = &[
    (&[Fence::Epoch], "a pause", "a task runs again whose completion was committed"),
    (&[Fence::MoveRaisesEpoch], "siblings in one worker", "two workers with leases run one task"),
    (&[Fence::ClaimLooksAgain], "siblings that join", "two workers with leases run one task"),
    (&[Fence::Lease], "siblings that join", "a task is lost more often than workers died"),
    (&[Fence::SweepAgain], "siblings that join", "a run never ends"),
    (&[Fence::OnlyWhatWasTaken], "siblings that join", "a node settles before what it waits for"),
    (&[Fence::OnlyWhatWasTaken], "a bounded map", "a map exceeds its bound"),
    (&[Fence::JoinUpsert], "siblings that join", "a run never ends"),
    (&[Fence::StateOnce], "a cancelled run", "a run ends twice"),
    (&[Fence::EnderLooksAgain], "a cancelled run", "an ended run has a token"),
    (&[Fence::ChildrenLast], "a cancelled parent", "a child outlives its parent"),
    (&[Fence::SignalLock], "a signal", "a run never ends"),
    (&[Fence::WakeTouches], "a child and a pause", "a run never ends"),
    (&[Fence::ParkLooks], "a child and a pause", "a run never ends"),
    (&[Fence::PauseLooksAgain], "a pause", "something begins in a paused run"),
    (&[Fence::ResumeLooksAgain], "a pause", "a run never ends"),
    (&[Fence::ChildInheritsPause], "a child and a pause", "the child of a paused run goes on"),
    (&[Fence::WaitsOnAsItWas], "a signal", "one attempt has two outcomes"),
    (&[Fence::SkipWaits], "a skipped arm", "a node settles before what it waits for"),
    (&[Fence::AskWhatIsHeld], "siblings that join", "a run never ends"),
    // of these one alone may fall: the others hold what it held
    (
        &[Fence::Holder, Fence::RecoveryRaisesEpoch],
        "siblings that join",
        "one attempt has two outcomes",
    ),
    (
        &[Fence::ClaimRaisesEpoch, Fence::RecoveryRaisesEpoch],
        "siblings that join",
        "two hold a token at one epoch",
    ),
];

fn without(name: &'static str, fences: &[Fence]) -> (&'static str, Model) {
    let model = models().into_iter().find(|(n, _)| *n == name).unwrap().1;
    (name, Model { without: fences.to_vec(), ..model })
}

#[test]
fn without_any_of_its_fences_something_breaks() {
    let mutants = BREAKS.iter().map(|(fences, name, _)| without(name, fences)).collect();
    for ((what, found), (.., expected)) in search_all(mutants).into_iter().zip(BREAKS) {
        let (property, events) = found.broken.unwrap_or_else(|| panic!("{what}: nothing breaks"));
        println!("{what}: {property}, after {} events", events.len());
        assert_eq!(property, *expected, "{what}");
    }
}

#[test]
fn the_holder_and_the_epochs_of_claim_and_recovery_stand_in_for_one_another() {
    let doubled = [Fence::Holder, Fence::ClaimRaisesEpoch, Fence::RecoveryRaisesEpoch];
    let single =
        |fence| ["siblings that join", "a bounded map"].map(|name| without(name, &[fence]));
    for (what, found) in search_all(doubled.into_iter().flat_map(single).collect()) {
        assert!(found.broken.is_none(), "{what}: {:?}", found.broken);
    }
}
