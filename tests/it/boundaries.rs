//! A worker process is killed, stopped or told to terminate at any of its round trips to the database, before the server
//! has heard of it or after it was committed, alone or beside another.
//!
//! `cargo test` takes a sample; `PGFLOW_FAULTS=all cargo test --test it boundaries -- --nocapture` takes every boundary
//! and prints the table. A sample is repeated by `PGFLOW_FAULT_SEED`, which it prints.

use std::fmt;

use pgflow::testing::{Boundary, Counts, Proxy, Side};

use crate::{
    counted::{self, WORKFLOWS},
    process::{Process, command},
    support::{Database, Seed, everything, row},
};

/// What happens to the process, and who is there to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// SIGKILL; another worker comes later.
    Crash,
    /// SIGKILL beside another worker.
    Kill,
    /// SIGSTOP until its lease is over and another worker has done everything, then SIGCONT.
    Stop,
    /// SIGTERM beside another worker.
    Terminate,
}

/// No workflow here takes as many round trips.
const MOST: u32 = 400;
/// A boundary that was not reached so often is not there.
const ATTEMPTS: u32 = 4;
/// Where samples are taken from.
const SAMPLED: u64 = 30;
/// A number is drawn below the one before it, so few are enough; one may be the only round trip, and another faster.
const DRAWS: usize = 12;

/// Whether the boundary was reached before all was done.
async fn survives(fault: Fault, at: Boundary, workflow: &'static str) -> bool {
    let db = Database::new().await;
    let flow = db.flow().await;
    let runs = counted::start(&db, &flow, workflow, &[3, 0]).await;
    let proxy = Proxy::start(&db.options(), Counts::RoundTrips, Some(at)).unwrap();
    let served = counted::served(workflow);
    let first = Process::spawn(command(&db, proxy.url(), &served));
    let other = || Process::spawn(command(&db, &db.url(), &served));
    let beside = (fault != Fault::Crash).then(other);
    let done = db.until("select count(*) from pgflow.run where state = 0", 0);
    let reached = tokio::select! {
        () = proxy.held() => true,
        () = done => false,
    };
    if reached {
        strike(fault, &db, first, proxy).await;
    }
    let second = beside.unwrap_or_else(other);
    counted::check(&db, &flow, &runs).await;
    second.signal("TERM");
    assert!(second.ended().await.success());
    assert_eq!(db.count("select count(*) from pgflow.task").await, 0);
    reached
}

async fn strike(fault: Fault, db: &Database, process: Process, proxy: Proxy) {
    match fault {
        Fault::Crash | Fault::Kill => {
            let name = process.worker();
            process.kill();
            drop(proxy);
            db.expire(&name).await;
        }
        Fault::Stop => {
            process.signal("STOP");
            process.stopped(db).await;
            db.expire(&process.worker()).await;
            db.until("select count(*) from pgflow.run where state = 0", 0).await;
            process.signal("CONT");
            proxy.release();
            process.signal("TERM");
            // the connection of one that did not get as far as its worker may have been cut, and it says so
            let registered = db.knows_worker(&process.worker()).await;
            assert!(process.ended().await.success() || !registered);
        }
        Fault::Terminate => {
            process.signal("TERM");
            proxy.release();
            assert!(process.ended().await.success());
            let lost = "select count(*) from pgflow.attempt where status = 4";
            assert_eq!(db.count(lost).await, 0, "a drain loses nothing");
        }
    }
}

struct Cell {
    fault: Fault,
    side: Side,
    workflow: &'static str,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, side, workflow } = self;
        write!(f, "{fault:?} at each {side:?} of {workflow}")
    }
}

fn cells(faults: &[Fault]) -> Vec<Cell> {
    let sides = [Side::Request, Side::Answer];
    let of = |fault: Fault| {
        sides.into_iter().flat_map(move |side| {
            WORKFLOWS.into_iter().map(move |workflow| Cell { fault, side, workflow })
        })
    };
    faults.iter().copied().flat_map(of).collect()
}

/// Draws boundaries until one was reached: a number that was not is a bound for the next.
async fn sample(cell: &Cell, seed: &mut Seed) {
    let Cell { fault, side, workflow } = *cell;
    let mut most = SAMPLED;
    for _ in 0..DRAWS {
        let number = 1 + u32::try_from(seed.below(most)).unwrap();
        println!("{cell} boundary {number}, seed {seed}");
        if survives(fault, Boundary { number, side }, workflow).await {
            return;
        }
        most = u64::from(number);
    }
    panic!("{cell}: no boundary was reached in {DRAWS} draws");
}

async fn run(faults: &[Fault]) {
    let mut seed = Seed::new();
    for cell in cells(faults) {
        let Cell { fault, side, workflow } = cell;
        if !everything() {
            sample(&cell, &mut seed).await;
            continue;
        }
        let mut reached = 0;
        for number in 1..MOST {
            // where another works beside it, that one may have been faster
            for _ in 0..ATTEMPTS {
                if survives(fault, Boundary { number, side }, workflow).await {
                    reached = number;
                    break;
                }
            }
            if reached < number {
                break;
            }
        }
        row(&cell, format_args!("{reached} boundaries"), "survived");
        // one that works beside another may be left with little
        let least = if matches!(fault, Fault::Kill) { 1 } else { 10 };
        assert!(reached > least, "{cell}: {reached} boundaries only");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_or_after_any_commit_costs_no_completed_step() {
    run(&[Fault::Crash]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_beside_another_costs_no_completed_step() {
    run(&[Fault::Kill]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stopped_past_its_lease_writes_nothing_when_it_wakes() {
    run(&[Fault::Stop]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_frozen_in_the_middle_of_its_registration_keeps_no_other_from_it() {
    let reached = Boundary { number: 5, side: Side::Answer };
    assert!(survives(Fault::Stop, reached, "counted_siblings").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_terminate_hands_back_all_that_it_held_and_loses_nothing() {
    run(&[Fault::Terminate]).await;
}
