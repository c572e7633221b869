//! A queue of PGMQ. What is held is hidden again and again before its visibility timeout runs out. Success deletes a message; failure leaves it until its visibility timeout runs out, and archives it
//! after so many reads.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use super::{BoxError, Delivery, Receipt, Source};

/// After so many reads a message that fails is archived.
const READS_MAX: u32 = 10;

/// A queue of PGMQ.
#[derive(Clone, Debug)]
pub struct Pgmq {
    pool: PgPool,
    queue: String,
    hidden: Duration,
}

impl Pgmq {
    /// The queue of this name; a message that was read stays hidden for so many whole seconds.
    pub fn new(options: PgConnectOptions, queue: &str, hidden: Duration) -> Self {
        let options = options.application_name("archlearn legacy");
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        Self { pool, queue: queue.to_owned(), hidden }
    }
}

impl Source for Pgmq {
    async fn read(&self, most: usize) -> Result<Vec<Delivery>, BoxError> {
        let rows =
            sqlx::query("select msg_id, read_ct, message::text as body from pgmq.read($1, $2, $3)")
                .bind(&self.queue)
                .bind(i32::try_from(self.hidden.as_secs()).unwrap_or(i32::MAX))
                .bind(i32::try_from(most).unwrap_or(i32::MAX))
                .fetch_all(&self.pool)
                .await?;
        let delivery = |row: &sqlx::postgres::PgRow| {
            let reads = u32::try_from(row.get::<i32, _>("read_ct")).unwrap_or_default();
            let body = row.get::<Option<String>, _>("body");
            let body = body.map_or(Ok(serde_json::Value::Null), |text| serde_json::from_str(&text));
            Ok(Delivery { receipt: Receipt { id: row.get("msg_id"), reads }, body: body? })
        };
        rows.iter().map(delivery).collect()
    }

    fn keep_every(&self) -> Option<Duration> {
        // twice before it runs out
        (!self.hidden.is_zero()).then(|| self.hidden / 3)
    }

    async fn keep(&self, all: &[Receipt]) -> Result<Vec<Receipt>, BoxError> {
        let ids: Vec<i64> = all.iter().map(|receipt| receipt.id).collect();
        let kept: Vec<(i64, i32)> = sqlx::query_as(
            "select k.msg_id, k.read_ct from unnest($2::bigint[]) id cross join lateral pgmq.set_vt($1, id, $3::int) k",
        )
        .bind(&self.queue)
        .bind(ids)
        .bind(i32::try_from(self.hidden.as_secs()).unwrap_or(i32::MAX))
        .fetch_all(&self.pool)
        .await?;
        // whoever has read it since has counted that
        let ours = |receipt: &Receipt| {
            let reads = i32::try_from(receipt.reads).unwrap_or(i32::MAX);
            kept.contains(&(receipt.id, reads))
        };
        Ok(all.iter().copied().filter(|receipt| !ours(receipt)).collect())
    }

    async fn succeed(&self, all: &[Receipt]) -> Result<(), BoxError> {
        let ids: Vec<i64> = all.iter().map(|receipt| receipt.id).collect();
        sqlx::query("select pgmq.delete($1, $2)")
            .bind(&self.queue)
            .bind(ids)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn fail(&self, one: Receipt, _why: &str) -> Result<(), BoxError> {
        if one.reads >= READS_MAX {
            sqlx::query("select pgmq.archive($1, $2)")
                .bind(&self.queue)
                .bind(one.id)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}
