//! The first binaries (schema 2) as a worker that is small enough to be read: their statements, word for word, and the way
//! of `crossing` through them. It does what it is told, token by token.

use std::collections::HashMap;

use pgflow::{Definition, Failure, FailureKind, RunId, Workflow};
use pgflow_core::store::stamp::Stamp;
use sqlx::{Connection, PgConnection, Row};

use crate::support::Database;

use super::{BAD, FIRST, crossing, is_bad};

const SCHEMA: i32 = 2;
const LEASE_MS: i64 = 60_000;
const RETRIES: i16 = 1;

const STORE_DEFINITION: &str = "with stored as (
  insert into pgflow.workflow as w (name, version, fingerprint, definition) values ($1, $2, $3, $4::jsonb)
  on conflict (name, version) do update
  set definition = case when w.fingerprint = excluded.fingerprint then excluded.definition else w.definition end
  returning id, fingerprint, definition::text as definition)
select id, fingerprint, definition, not exists (select from pgflow.workflow where name = $1 and version > $2) as newest from stored";

const NUMBER_NODES: &str = "with fresh as (
  insert into pgflow.node (workflow, number, id)
  select $1, (coalesce((select max(number) from pgflow.node where workflow = $1), 0) + row_number() over (order by w.ord))::smallint, w.id
  from unnest($2::text[]) with ordinality w(id, ord)
  where not exists (select from pgflow.node n where n.workflow = $1 and n.id = w.id)
  returning id, number)
select id, number from fresh
union all
select n.id, n.number from pgflow.node n where n.workflow = $1 and n.id = any($2)";

const NUMBER_QUEUES: &str = "with fresh as (
  insert into pgflow.queue (workflow_id, node, control)
  select $1, w.node, w.control from unnest($2::smallint[], $3::boolean[]) w(node, control)
  where not exists (select from pgflow.queue q where q.workflow_id = $1 and q.node = w.node and q.control = w.control)
  returning node, control, id)
select node, control, id from fresh
union all
select q.node, q.control, q.id from pgflow.queue q where q.workflow_id = $1";

const SIZE_POOL: &str = "insert into pgflow.pool as p (name, declared, override, source)
values ($1, $2::int, case when $3::text is not null then $2::int end, $3)
on conflict (name) do update
set declared = case when $3::text is null and $4::boolean then excluded.declared else p.declared end,
    override = case when $3::text is not null then $2::int when p.source = $5::text then null else p.override end,
    source   = case when $3::text is not null then $3 when p.source = $5::text then null else p.source end
returning id";

const MAKE_SLOTS: &str = "with size as (select coalesce(override, declared) n from pgflow.pool where id = $1),
made as (insert into pgflow.slot (pool, n) select $1, g from size, generate_series(1, size.n) g on conflict do nothing)
delete from pgflow.slot s using size where s.pool = $1 and s.n > size.n and s.run_id is null";

const REGISTER_WORKER: &str = "insert into pgflow.worker (id, name, lease_until, offers) \
     values (nextval('pgflow.worker_id'), $1, pgflow.clock() + $2 * interval '1 millisecond', $3::jsonb) returning id";

const HEARTBEAT: &str = "update pgflow.worker set lease_until = pgflow.clock() + $2 * interval '1 millisecond' \
     where id = $1 and lease_until > pgflow.clock()";

const LOAD: &str = "select distinct on (a.run_id, a.node, a.elem) a.run_id, a.node, a.elem, a.output::text as output, a.error::text as error
from unnest($1::bigint[], $2::smallint[]) w(run_id, node)
join pgflow.attempt a on a.run_id = w.run_id and a.node = w.node
order by a.run_id, a.node, a.elem, a.attempt desc";

const FLUSH: &str = "select taken, run_id, lane, elem, epoch, at from pgflow.flush_1($1,
  $2, $3, $4, $5,
  $6, $7, $8, $9, $10, $11, $12, $13,
  $14, $15, $16, $17, $18,
  $19, $20, $21, $22,
  $23, $24, $25, $26, $27, $28, $29, $30,
  $31, $32, $33, $34, $35, $36, $37)";

const SIGN_OFF: &str = "with left_over as (
  select exists (select from pgflow.task k where k.worker_id = $1) or exists (select from pgflow.slot s where s.worker_id = $1) as any),
gone as (delete from pgflow.worker w using left_over l where w.id = $1 and not l.any)
update pgflow.worker w set lease_until = pgflow.clock() - interval '1 second', idle = false
from left_over l where w.id = $1 and l.any";

/// A token in its hands.
#[derive(Debug, Clone)]
pub struct Held {
    pub run: RunId,
    lane: i16,
    elem: i32,
    node: i16,
    epoch: i32,
    attempt: i16,
    ready_at: Stamp,
    started_at: Stamp,
    /// Pool and number.
    slots: Vec<(i32, i32)>,
}

/// Where a token goes that has settled.
#[derive(Default)]
struct Way {
    /// The node to which it moves, and whether it goes on there at once.
    stay: Option<(&'static str, bool)>,
    /// A node that it reaches too, and how many that waits for.
    arrival: Option<(&'static str, i32)>,
    retry: bool,
    ends: bool,
}

/// What became of a token.
#[derive(Debug)]
pub enum Outcome {
    /// It is elsewhere.
    Left,
    /// It goes on in the same hands.
    Goes(Held),
    /// It was somebody else's by then.
    Refused,
}

pub struct First {
    sql: PgConnection,
    pub worker: i32,
    workflow: i32,
    nodes: HashMap<String, i16>,
    queues: HashMap<i16, i32>,
    pool: i32,
    inputs: HashMap<RunId, u32>,
}

impl First {
    /// Connects as they did, registers `crossing`, and then itself.
    pub async fn open(db: &Database, name: &str) -> Self {
        let mut sql = db.sql().await;
        may_use(&mut sql).await;
        let definition: Definition = (<crossing as Workflow>::SPEC)().into();
        let mut tx = sql.begin().await.unwrap();
        sqlx::query("select pg_advisory_xact_lock(hashtextextended('pgflow.workflow.' || $1, 0))")
            .bind(&definition.name)
            .execute(&mut *tx)
            .await
            .unwrap();
        let stored = sqlx::query(STORE_DEFINITION)
            .bind(&definition.name)
            .bind(1)
            .bind(&definition.fingerprint)
            .bind(definition.to_json())
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(stored.get::<String, _>("fingerprint"), definition.fingerprint);
        let workflow: i32 = stored.get("id");
        let ids: Vec<&str> = definition.nodes.iter().map(|node| node.id.as_str()).collect();
        let numbered =
            sqlx::query(NUMBER_NODES).bind(&definition.name).bind(&ids).fetch_all(&mut *tx);
        let nodes: HashMap<String, i16> =
            numbered.await.unwrap().iter().map(|r| (r.get("id"), r.get("number"))).collect();
        let tasks = ids.iter().map(|id| (nodes[*id], false));
        let places: Vec<(i16, bool)> = tasks.chain([(0, true), (-1, true)]).collect();
        let queues = sqlx::query(NUMBER_QUEUES)
            .bind(workflow)
            .bind(places.iter().map(|(node, _)| *node).collect::<Vec<_>>())
            .bind(places.iter().map(|(_, control)| *control).collect::<Vec<_>>())
            .fetch_all(&mut *tx)
            .await
            .unwrap();
        let task = |r: &&sqlx::postgres::PgRow| !r.get::<bool, _>("control");
        let queues = queues.iter().filter(task).map(|r| (r.get("node"), r.get("id"))).collect();
        let pool: i32 = sqlx::query_scalar(SIZE_POOL)
            .bind("step:cross_join")
            .bind(1)
            .bind(None::<String>)
            .bind(stored.get::<bool, _>("newest"))
            .bind(None::<String>)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        sqlx::query(MAKE_SLOTS).bind(pool).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let offers = r#"{"serves": ["crossing@1"], "refuses": [], "slots": 16, "gpus": [], "stand_in": false}"#;
        let worker = sqlx::query_scalar(REGISTER_WORKER)
            .bind(name)
            .bind(LEASE_MS)
            .bind(offers)
            .fetch_one(&mut sql)
            .await
            .unwrap();
        Self { sql, worker, workflow, nodes, queues, pool, inputs: HashMap::new() }
    }

    pub async fn start(&mut self, inputs: &[u32]) -> Vec<RunId> {
        let node = self.nodes["cross_begin"];
        let texts: Vec<String> = inputs.iter().map(u32::to_string).collect();
        let rows = sqlx::query(
            "select * from pgflow.start_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(self.workflow)
        .bind("crossing")
        .bind(&texts)
        .bind(vec![None::<String>; inputs.len()])
        .bind(vec![Vec::<u8>::new(); inputs.len()])
        .bind(0_i16)
        .bind(None::<i64>)
        .bind(None::<i64>)
        .bind(node)
        .bind(self.queues[&node])
        .bind(0_i64)
        .bind(None::<String>)
        .bind(false)
        .fetch_all(&mut self.sql)
        .await
        .unwrap();
        assert!(rows.iter().all(|row| row.get("fresh")));
        rows.iter().map(|row| RunId(row.get("run_id"))).collect()
    }

    /// Renews its lease; `false`: it has none any more.
    pub async fn beat(&mut self) -> bool {
        let beat = sqlx::query(HEARTBEAT).bind(self.worker).bind(LEASE_MS).execute(&mut self.sql);
        beat.await.unwrap().rows_affected() == 1
    }

    /// Does the upkeep; answers how many tokens it took from the dead.
    pub async fn tick(&mut self) -> i32 {
        let queues: Vec<i32> = self.queues.values().copied().collect();
        let tick = sqlx::query("select * from pgflow.tick_1($1)").bind(queues);
        tick.fetch_one(&mut self.sql).await.unwrap().get("recovered")
    }

    /// Claims what is ready at a step without limits.
    pub async fn claim(&mut self, step: &str, want: i32) -> Vec<Held> {
        let queue = self.queues[&self.nodes[step]];
        let rows = sqlx::query("select * from pgflow.claim_1($1, $2, $3, $4)")
            .bind(self.worker)
            .bind(vec![queue])
            .bind(vec![i64::MIN])
            .bind(want)
            .fetch_all(&mut self.sql)
            .await
            .unwrap();
        self.hold(&rows)
    }

    /// Claims what is ready at the step that runs alone.
    pub async fn claim_join(&mut self, want: i32) -> Vec<Held> {
        let rows =
            sqlx::query("select * from pgflow.claim_limited_1($1, $2, $3, $4, $5, $6, $7, $8)")
                .bind(self.worker)
                .bind(self.queues[&self.nodes["cross_join"]])
                .bind(vec![self.pool])
                .bind(Vec::<i32>::new())
                .bind(0)
                .bind(None::<i64>)
                .bind(None::<i32>)
                .bind(want)
                .fetch_all(&mut self.sql)
                .await
                .unwrap();
        self.hold(&rows)
    }

    fn hold(&mut self, rows: &[sqlx::postgres::PgRow]) -> Vec<Held> {
        let mut all = Vec::new();
        for row in rows {
            let run = RunId(row.get("run_id"));
            if let Some(input) = row.get::<Option<String>, _>("run_input") {
                self.inputs.insert(run, input.parse().unwrap());
            }
            let pools: Vec<i32> = row.get::<Option<_>, _>("pools").unwrap_or_default();
            let numbers: Vec<i32> = row.get::<Option<_>, _>("ns").unwrap_or_default();
            all.push(Held {
                run,
                lane: row.get("lane"),
                elem: row.get("elem"),
                node: row.get("node"),
                epoch: row.get("epoch"),
                attempt: row.get("attempt"),
                ready_at: row.get("ready_at"),
                started_at: row.get("started_at"),
                slots: pools.into_iter().zip(numbers).collect(),
            });
        }
        all
    }

    /// Runs the step where a token stands, and writes what became of it.
    pub async fn work(&mut self, held: Held) -> Outcome {
        let step = self.nodes.iter().find(|(_, n)| **n == held.node).unwrap().0.clone();
        let input = self.inputs[&held.run];
        let mut of = async |step: &str| self.output(held.run, step).await;
        let (value, way) = match step.as_str() {
            "cross_begin" if is_bad(input, held.attempt.cast_unsigned().into()) => {
                return self.fail(held, input).await;
            }
            "cross_begin" => {
                let right = Some(("cross_right", 1));
                let stay = Some(("cross_left", true));
                (input, Way { stay, arrival: right, ..Way::default() })
            }
            "cross_left" | "cross_right" => {
                let begun = of("cross_begin").await;
                let joins = Way { arrival: Some(("cross_join", 2)), ..Way::default() };
                (begun + if step == "cross_left" { 1 } else { 2 }, joins)
            }
            _ => {
                let value = of("cross_left").await * of("cross_right").await;
                (value, Way { ends: true, ..Way::default() })
            }
        };
        self.flush(&held, 1, Some(value.to_string()), None, &way).await
    }

    async fn output(&mut self, run: RunId, step: &str) -> u32 {
        let load = sqlx::query(LOAD).bind(vec![run.0]).bind(vec![self.nodes[step]]);
        let row = load.fetch_one(&mut self.sql).await.unwrap();
        row.get::<String, _>("output").parse().unwrap()
    }

    async fn fail(&mut self, held: Held, input: u32) -> Outcome {
        let failure = Failure::new("cross_begin", FailureKind::Failed, format!("{input} is bad"));
        let error = serde_json::to_string(&failure).unwrap();
        if held.attempt <= RETRIES {
            let again = Way { stay: Some(("cross_begin", false)), retry: true, ..Way::default() };
            return self.flush(&held, 2, None, Some(error), &again).await;
        }
        assert_eq!(input, BAD);
        let ended: bool = sqlx::query_scalar(
            "select pgflow.end_run_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(held.run.0)
        .bind(2_i16)
        .bind(&error)
        .bind("cross_begin")
        .bind("failed")
        .bind(&failure.message)
        .bind(self.worker)
        .bind(held.lane)
        .bind(held.elem)
        .bind(held.epoch)
        .bind(held.node)
        .bind(held.elem)
        .bind(held.attempt)
        .bind(2_i16)
        .bind(held.ready_at)
        .bind(held.started_at)
        .bind(None::<String>)
        .bind(&error)
        .fetch_one(&mut self.sql)
        .await
        .unwrap();
        if ended { Outcome::Left } else { Outcome::Refused }
    }

    async fn flush(
        &mut self,
        held: &Held,
        status: i16,
        output: Option<String>,
        error: Option<String>,
        way: &Way,
    ) -> Outcome {
        let next = way.stay.map(|(step, _)| self.nodes[step]);
        let direct = way.stay.is_some_and(|(_, direct)| direct);
        let arrivals: Vec<(i16, i32)> =
            way.arrival.iter().map(|(step, need)| (self.nodes[*step], *need)).collect();
        let none = arrivals.iter();
        let slots = held.slots.iter();
        let rows = sqlx::query(FLUSH)
            .bind(self.worker)
            .bind(vec![held.run.0])
            .bind(vec![held.lane])
            .bind(vec![held.elem])
            .bind(vec![held.epoch])
            .bind(vec![held.node])
            .bind(vec![held.elem])
            .bind(vec![held.attempt])
            .bind(vec![status])
            .bind(vec![held.ready_at])
            .bind(vec![held.started_at])
            .bind(vec![output.clone()])
            .bind(vec![error])
            .bind(vec![next])
            .bind(vec![next.map(|node| self.queues[&node])])
            .bind(vec![direct])
            .bind(vec![way.retry.then_some(10_i64)])
            .bind(vec![0_i64])
            .bind(vec![way.ends])
            .bind(vec![output.filter(|_| way.ends)])
            .bind(vec![false])
            .bind(vec![None::<i32>])
            .bind(none.clone().map(|_| 1).collect::<Vec<i32>>())
            .bind(arrivals.iter().map(|(node, _)| *node).collect::<Vec<_>>())
            .bind(none.clone().map(|_| 0).collect::<Vec<i32>>())
            .bind(arrivals.iter().map(|(node, _)| self.queues[node]).collect::<Vec<_>>())
            .bind(arrivals.iter().map(|(_, need)| *need).collect::<Vec<_>>())
            .bind(none.clone().map(|_| false).collect::<Vec<_>>())
            .bind(none.clone().map(|_| 0).collect::<Vec<i64>>())
            .bind(none.map(|_| None).collect::<Vec<Option<String>>>())
            .bind(Vec::<i32>::new())
            .bind(slots.clone().map(|(pool, _)| *pool).collect::<Vec<_>>())
            .bind(slots.clone().map(|(_, n)| *n).collect::<Vec<_>>())
            .bind(slots.clone().map(|_| held.run.0).collect::<Vec<_>>())
            .bind(slots.clone().map(|_| held.lane).collect::<Vec<_>>())
            .bind(slots.clone().map(|_| held.elem).collect::<Vec<_>>())
            .bind(slots.map(|_| held.epoch).collect::<Vec<_>>())
            .fetch_all(&mut self.sql)
            .await
            .unwrap();
        let last = rows.last().unwrap();
        if last.get::<Vec<i32>, _>("taken").is_empty() {
            return Outcome::Refused;
        }
        let (Some(node), true) = (next, direct) else { return Outcome::Left };
        let at = last.get("at");
        Outcome::Goes(Held {
            node,
            epoch: held.epoch + 1,
            attempt: 1,
            ready_at: at,
            started_at: at,
            slots: Vec::new(),
            ..held.clone()
        })
    }

    /// Gives all of these back and signs off, as a drain does.
    pub async fn leave(mut self, all: &[Held]) {
        let slots = || all.iter().flat_map(|h| h.slots.iter().map(move |slot| (h, slot)));
        let handed: i32 = sqlx::query_scalar(
            "select pgflow.hand_back_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(self.worker)
        .bind(all.iter().map(|h| h.run.0).collect::<Vec<_>>())
        .bind(all.iter().map(|h| h.lane).collect::<Vec<_>>())
        .bind(all.iter().map(|h| h.elem).collect::<Vec<_>>())
        .bind(all.iter().map(|h| h.epoch).collect::<Vec<_>>())
        .bind(None::<i64>)
        .bind(slots().map(|(_, slot)| slot.0).collect::<Vec<_>>())
        .bind(slots().map(|(_, slot)| slot.1).collect::<Vec<_>>())
        .bind(slots().map(|(h, _)| h.run.0).collect::<Vec<_>>())
        .bind(slots().map(|(h, _)| h.lane).collect::<Vec<_>>())
        .bind(slots().map(|(h, _)| h.elem).collect::<Vec<_>>())
        .bind(slots().map(|(h, _)| h.epoch).collect::<Vec<_>>())
        .fetch_one(&mut self.sql)
        .await
        .unwrap();
        assert_eq!(usize::try_from(handed).unwrap(), all.len());
        sqlx::query(SIGN_OFF).bind(self.worker).execute(&mut self.sql).await.unwrap();
    }

    /// Does all that is ready, and what follows from it; answers how many steps it ran.
    pub async fn pass(&mut self) -> usize {
        let mut steps = 0;
        assert!(self.beat().await);
        self.tick().await;
        let mut all = Vec::new();
        for step in ["cross_begin", "cross_left", "cross_right"] {
            all.extend(self.claim(step, 2).await);
        }
        all.extend(self.claim_join(2).await);
        for held in all {
            let mut next = Some(held);
            while let Some(held) = next.take() {
                steps += 1;
                next = match self.work(held).await {
                    Outcome::Goes(held) => Some(held),
                    Outcome::Left | Outcome::Refused => None,
                };
            }
        }
        steps
    }
}

/// What they asked of a schema before they used it.
async fn may_use(sql: &mut PgConnection) {
    let meta = sqlx::query("select schema, compatible from pgflow.meta").fetch_one(&mut *sql);
    let meta = meta.await.unwrap();
    let (found, compatible): (i32, i32) = (meta.get("schema"), meta.get("compatible"));
    assert!(found <= SCHEMA || compatible <= SCHEMA, "schema {found} refuses schema {SCHEMA}");
    for (number, _, text) in FIRST {
        let known = "select checksum = sha256($2::bytea) from pgflow.migration where number = $1";
        let known = sqlx::query_scalar::<_, bool>(known).bind(number).bind(text.as_bytes());
        assert!(known.fetch_one(&mut *sql).await.unwrap(), "migration {number}");
    }
}
