//! A host's own binary with the whole command line: `worker`, `dev`, `start`, `status`, `why`, `graph` and so on.
//!
//! Without arguments it shows what an operator sees of a run. With arguments it is that command line:
//! `cargo run --example command_line -- dev`, and beside it `cargo run --example command_line -- start order '"A-17"'`.

use std::{process::ExitCode, time::Duration};

use pgflow::{Failure, StepContext, cli::Host, step, workflow};

/// What the steps of this host need.
#[derive(Clone)]
struct Prices {
    cents: u64,
}

/// Looks the price up in the host's state.
#[step(needs(Prices))]
async fn quote(order: String) -> Result<u64, Failure> {
    let prices = StepContext::current().state::<Prices>();
    Ok(prices.cents * order.len() as u64)
}

/// Packs one item.
#[step(retries = 2, retry_delay = "1s")]
async fn pack(item: String) -> Result<String, Failure> {
    Ok(format!("packed {item}"))
}

/// Only large orders are wrapped.
#[step]
async fn wrap(order: String) -> Result<(), Failure> {
    println!("wrapping {order}");
    Ok(())
}

/// Tells the customer.
#[step]
async fn notify(order: String, price: u64, items: Vec<String>) -> Result<String, Failure> {
    Ok(format!("{order}: {} items, {price} cents", items.len()))
}

#[workflow(version = 1, timeout = "7d")]
async fn order(id: String) -> Result<String, Failure> {
    let price = quote(id.clone()).await?;
    let items = (1..=3).map(|n| format!("{id}/{n}")).collect::<Vec<_>>();
    let packed = pgflow::map(items, pack).await?;
    if price > 1_000 {
        wrap(id.clone()).await?;
    }
    let _by = pgflow::signal::<String>("approve").await?;
    notify(id, price, packed).await
}

fn host() -> Host {
    Host::new().worker(|worker| worker.state(Prices { cents: 100 }))
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return host().main();
    }
    match tour() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Starts a run and looks at it as an operator would.
fn tour() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (worker, run) = runtime.block_on(async {
        let flow = pgflow::from_env().await?;
        let worker = flow.worker().state(Prices { cents: 100 }).spawn().await?;
        let run = flow.start::<order>("A-17".into()).await?;
        let mut look = tokio::time::interval(Duration::from_millis(50));
        while !flow.why(run.id()).await?.iter().any(|reason| reason.code == "signal") {
            look.tick().await;
        }
        anyhow::Ok((worker, run))
    })?;
    let id = run.id().to_string();
    let commands: [&[&str]; 4] = [
        &["status", &id],
        &["graph", &id],
        &["signal", &id, "approve", "\"Ann\""],
        &["list", "--limit", "3"],
    ];
    for arguments in commands {
        println!("\n$ command_line {}", arguments.join(" "));
        let line = std::iter::once("command_line").chain(arguments.iter().copied());
        host().main_with(line.map(Into::into));
    }
    let told = runtime.block_on(run.output())?;
    assert_eq!(told, "A-17: 3 items, 400 cents");
    runtime.block_on(worker.drain(Duration::from_secs(5)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_survives_the_death_of_its_worker_at_every_commit() {
        let report = pgflow::testing::crash_everywhere::<order>("A-17".into())
            .worker(|worker| worker.state(Prices { cents: 400 }))
            .signal("approve", &"Ann")
            .await
            .unwrap();
        println!("{report}");
    }
}
