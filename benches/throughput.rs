//! Steps per second of the engine beside the least that Postgres must do for them: one row per step, inserted in
//! batches of the same size over as many connections. Interleaved rounds in one run; quote the ratio, not the figures.
//!
//! `cargo bench --bench throughput [-- RUNS]`

use std::{convert::Infallible, time::Instant};

use pgflow::{Flow, step, workflow};
use sqlx::{Connection, Executor, PgConnection};

const STEPS: u32 = 5;
const ROUNDS: usize = 3;
const BATCH: i64 = 64;

#[step]
async fn one(n: u32) -> Result<u32, Infallible> {
    Ok(n + 1)
}

#[workflow]
async fn chain_of_five(n: u32) -> Result<u32, Infallible> {
    let first = one(n).await?;
    #[id = "two"]
    let second = one(first).await?;
    #[id = "three"]
    let third = one(second).await?;
    #[id = "four"]
    let fourth = one(third).await?;
    #[id = "five"]
    let fifth = one(fourth).await?;
    Ok(fifth)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runs: u32 = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(10_000);
    let server = pgflow::testing::server().await?;
    let name = format!("pgflow_bench_{}", std::process::id());
    server.ensure_database(&name).await?;
    let flow = pgflow::connect(&server.url(&name)).await?;
    let mut sql = PgConnection::connect_with(flow.options()).await?;
    sql.execute("create table floor (run bigint, node smallint, elem int, attempt smallint, output jsonb, primary key (run, node, elem, attempt))").await?;
    let count = runs * STEPS;
    println!("{runs} runs of {STEPS} steps, steps/s; wal in bytes per step");
    for round in 1..=ROUNDS {
        let wal = wal(&mut sql).await?;
        let engine = engine(&flow, &mut sql, runs).await?;
        let wal = (self::wal(&mut sql).await? - wal) / i64::from(count);
        let floor = floor(&flow, count, i64::try_from(round)?).await?;
        let rate = |seconds: f64| f64::from(count) / seconds;
        println!(
            "round {round}: engine {:.0}, floor {:.0}, ratio {:.2}, wal {wal}",
            rate(engine),
            rate(floor),
            floor / engine
        );
    }
    drop(sql);
    server.drop_database(&name).await?;
    Ok(())
}

/// Seconds from the first claim to the last completion of preloaded runs.
async fn engine(
    flow: &Flow,
    sql: &mut PgConnection,
    runs: u32,
) -> Result<f64, Box<dyn std::error::Error>> {
    flow.start_many::<chain_of_five>(0..runs).await?;
    let begin = Instant::now();
    // `SLOTS=512 cargo bench …` to see what larger batches bring
    let slots = std::env::var("SLOTS").ok().and_then(|s| s.parse().ok()).unwrap_or(128);
    let worker = flow.worker().slots(slots).spawn().await?;
    loop {
        let left: i64 =
            sqlx::query_scalar("select count(*) from pgflow.task").fetch_one(&mut *sql).await?;
        if left == 0 {
            break;
        }
        sql.execute("select pg_sleep(0.02)").await?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    worker.drain(std::time::Duration::from_secs(5)).await;
    Ok(seconds)
}

/// Seconds to insert as many rows over two connections.
async fn floor(flow: &Flow, count: u32, round: i64) -> Result<f64, Box<dyn std::error::Error>> {
    let begin = Instant::now();
    let half = |part: i64| {
        let options = flow.options().clone();
        async move {
            let mut sql = PgConnection::connect_with(&options).await?;
            for first in (0..i64::from(count) / 2).step_by(usize::try_from(BATCH).unwrap_or(1)) {
                sqlx::query("insert into floor select $1 + g, 1, $2, 1, '123'::jsonb from generate_series(1, $3) g")
                    .bind(first + round * 10_000_000)
                    .bind(i32::try_from(part).unwrap_or_default())
                    .bind(BATCH)
                    .execute(&mut sql)
                    .await?;
            }
            Ok::<_, sqlx::Error>(())
        }
    };
    let (a, b) = tokio::join!(tokio::spawn(half(1)), tokio::spawn(half(2)));
    a??;
    b??;
    Ok(begin.elapsed().as_secs_f64())
}

async fn wal(sql: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select (pg_current_wal_lsn() - '0/0')::bigint").fetch_one(sql).await
}
