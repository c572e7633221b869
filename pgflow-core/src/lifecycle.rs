//! The life cycle of a run as pure functions: no database, no clock, no randomness.
//!
//! A run is a set of *tokens* that move over the graph. A token that completes a node moves on in place, forks, arrives
//! at a join, or ends. The worker, the in-memory runner and retries from outside all ask [`settle`] where it goes.

mod graph;
#[cfg(test)]
mod hostile;
mod migrate;
mod replay;
mod retry;

#[cfg(test)]
pub(crate) use graph::tests::definition as tests_definition;
pub use graph::{Graph, Place, Route};
pub use migrate::migrate;
pub use replay::{Kept, Past, Standing, kept, replay};
pub use retry::{Decision, RetryPolicy};

/// Where a token stands and what completing it there means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Position {
    /// Before the roots; exists only where a run waits before it begins or has several roots.
    Start,
    /// One task of a step; the index of its node.
    Step(usize),
    /// Pure code of the node is to be evaluated: its condition, the list of a map, the arm of a branch, how long to wait,
    /// the input of a child.
    Enter(usize),
    /// One element of a map, counted from 1.
    Element(usize, i32),
    /// The elements of a map have all arrived.
    Gather(usize),
    /// A sleep, a signal or a child: the token waits here, and when it is ready the wait is over.
    Wake(usize),
    /// The final value is to be evaluated.
    End,
}

impl Position {
    /// The node, where there is one.
    pub fn node(self) -> Option<usize> {
        match self {
            Self::Start | Self::End => None,
            Self::Step(node)
            | Self::Enter(node)
            | Self::Element(node, _)
            | Self::Gather(node)
            | Self::Wake(node) => Some(node),
        }
    }

    /// A task of the user's code; anything else is pure code that a worker evaluates at once.
    pub fn is_task(self) -> bool {
        matches!(self, Self::Step(_) | Self::Element(..))
    }

    /// Stands in the queue of pure code. The end of a wait does not, though it is pure: its node has two queues.
    pub fn is_pure(self) -> bool {
        !matches!(self, Self::Step(_) | Self::Element(..) | Self::Wake(_))
    }

    /// The element number under which a token that is born here is stored: 1 and up for elements, −1 for a gather.
    pub fn elem(self) -> i32 {
        match self {
            Self::Element(_, elem) => elem,
            Self::Gather(_) => -1,
            _ => 0,
        }
    }
}

/// What became of a token where it stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It completed, its failure was tolerated, or its arm was not taken.
    Passed,
    /// The arm of a conditional step was taken.
    Taken,
    /// The wait of a sleep, a signal or a child begins.
    Waits,
    /// The list of a map has this many elements.
    Listed(usize),
}

/// What a settled token leaves behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moves {
    /// Where the token goes on in place; `None`: it ends here.
    pub stay: Option<Position>,
    /// Other places that it reaches.
    pub arrivals: Vec<Arrival>,
    /// The run is over: this was the final value.
    pub ends_run: bool,
}

/// A token that reaches a place. Where `need` is more than one it waits there for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// The place.
    pub at: Position,
    /// Arrivals that the place waits for; 0 where the waiting token is certain to be there already.
    pub need: u32,
}

/// Where a token goes from a position, given what happened there.
pub fn settle(graph: &Graph, at: Position, event: Event) -> Moves {
    match (at, event) {
        (Position::Enter(node), Event::Listed(n)) if n > 0 => fan_out(node, n),
        (Position::Enter(node), Event::Taken) => stay(Position::Step(node)),
        (Position::Enter(node), Event::Waits) => stay(Position::Wake(node)),
        (Position::Element(node, _), _) => Moves {
            stay: None,
            arrivals: vec![Arrival { at: Position::Gather(node), need: 0 }],
            ends_run: false,
        },
        (Position::End, _) => Moves { stay: None, arrivals: Vec::new(), ends_run: true },
        (Position::Start, _) => along(graph, Place::Start),
        (
            Position::Step(node)
            | Position::Gather(node)
            | Position::Enter(node)
            | Position::Wake(node),
            _,
        ) => along(graph, Place::Node(node)),
    }
}

fn stay(at: Position) -> Moves {
    Moves { stay: Some(at), arrivals: Vec::new(), ends_run: false }
}

fn fan_out(node: usize, n: usize) -> Moves {
    let count = u32::try_from(n).unwrap_or(u32::MAX - 1);
    let elements = (1..=i32::try_from(n).unwrap_or(i32::MAX))
        .map(|i| Arrival { at: Position::Element(node, i), need: 1 });
    let gather = Arrival { at: Position::Gather(node), need: count + 1 };
    Moves { stay: None, arrivals: [gather].into_iter().chain(elements).collect(), ends_run: false }
}

fn along(graph: &Graph, place: Place) -> Moves {
    let route = graph.route(place);
    let arrive = |place: &Place| Arrival { at: graph.entry(*place), need: graph.need(*place) };
    Moves {
        stay: route.stay.map(|p| graph.entry(p)),
        arrivals: route.forks.iter().chain(&route.joins).map(arrive).collect(),
        ends_run: false,
    }
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// Under way, or waiting to be.
    Live,
    /// The final value is there.
    Completed,
    /// A required step failed for good, or the body did.
    Failed,
    /// Cancelled from outside.
    Cancelled,
    /// The deadline passed.
    TimedOut,
}

impl RunState {
    /// The number in the database.
    pub fn code(self) -> i16 {
        match self {
            Self::Live => 0,
            Self::Completed => 1,
            Self::Failed => 2,
            Self::Cancelled => 3,
            Self::TimedOut => 4,
        }
    }

    /// From the number in the database.
    pub fn from_code(code: i16) -> Option<Self> {
        [Self::Live, Self::Completed, Self::Failed, Self::Cancelled, Self::TimedOut]
            .into_iter()
            .find(|s| s.code() == code)
    }

    /// Its name in SQL, JSON and metrics, as in `timed_out`; displayed it has a blank.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Whether nothing more happens to the run.
    pub fn is_terminal(self) -> bool {
        self != Self::Live
    }
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttemptStatus {
    /// With an output.
    Done,
    /// With an error, or a panic.
    Failed,
    /// Its timeout ran out.
    TimedOut,
    /// Its worker died.
    Lost,
    /// Its branch was not taken.
    Skipped,
    /// Its run ended while it ran.
    Cancelled,
    /// Copied from the run that this one repeats.
    Kept,
}

impl AttemptStatus {
    /// The number in the database.
    pub fn code(self) -> i16 {
        match self {
            Self::Done => 1,
            Self::Failed => 2,
            Self::TimedOut => 3,
            Self::Lost => 4,
            Self::Skipped => 5,
            Self::Cancelled => 6,
            Self::Kept => 7,
        }
    }

    /// From the number in the database.
    pub fn from_code(code: i16) -> Option<Self> {
        [
            Self::Done,
            Self::Failed,
            Self::TimedOut,
            Self::Lost,
            Self::Skipped,
            Self::Cancelled,
            Self::Kept,
        ]
        .into_iter()
        .find(|s| s.code() == code)
    }

    /// Its name in SQL, JSON and metrics, as in `timed_out`; displayed it has a blank.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Kept => "kept",
        }
    }
}

impl std::fmt::Display for AttemptStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.as_str().replace('_', " "))
    }
}
