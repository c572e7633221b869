-- What people and dashboards read: counts per minute, and views that are cheap however many runs there were.

-- What a worker did in a minute at a node, or with whole runs (node -1); each worker writes only its own rows. Counts are
-- for looking: those of a worker's last seconds go with it, and what each run did stands in attempt.
create table pgflow.stats (
  minute      timestamptz not null,
  workflow_id int not null,
  node        smallint not null,
  worker_id   int not null,
  completed   int not null,
  failed      int not null,
  retried     int not null,                        -- failed, and tried again
  skipped     int not null,
  waited_ms   bigint not null,                     -- from ready to begun, in sum
  ran_ms      bigint not null,                     -- in sum
  times       int[] not null,                      -- how many took less than 1, 2, 4, 8 … ms and not less than the one before
  primary key (minute, workflow_id, node, worker_id)
) with (fillfactor = 50);

create index failure_at on pgflow.failure (at);

-- Every run, live or ended. Ask for one by id, or for the newest with `order by id desc limit`.
create view pgflow.runs as
select r.id, w.name as workflow, w.version, k.key,
       (array['live', 'completed', 'failed', 'cancelled', 'timed_out'])[r.state + 1] as state,
       r.priority, r.created_at, r.deadline, r.ended_at,
       coalesce(r.ended_at, pgflow.clock()) - r.created_at as took,
       f.step as failed_step, f.kind as failure, f.message, r.origin, r.parent_run, r.trace
from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
left join pgflow.run_key k on k.run_id = r.id
left join pgflow.failure f on f.run_id = r.id;

-- What ended, attempt by attempt.
create view pgflow.attempts as
select a.run_id, n.id as node, nullif(a.elem, 0) - 1 as element, a.attempt,
       (array['done', 'failed', 'timed_out', 'lost', 'skipped', 'cancelled', 'kept'])[a.status] as status,
       a.worker_id, a.ready_at, a.started_at, a.ended_at, a.started_at - a.ready_at as waited, a.ended_at - a.started_at as ran,
       a.error ->> 'message' as message
from pgflow.attempt a
join pgflow.run r on r.id = a.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = a.node;

-- What is under way or waits now.
create view pgflow.tasks as
select k.run_id, w.name as workflow, w.version,
       coalesce(n.id, case when k.node = 0 then 'start' else 'end' end) as node, nullif(greatest(k.elem, 0), 0) - 1 as element, k.attempt,
       case when k.worker_id is not null then 'running' when k.ready_in is not null then 'ready' when k.paused then 'paused'
            when k.due_at is not null then 'delayed' else 'waiting' end as state,
       k.worker_id, k.ready_at, k.started_at, k.due_at, p.done, p.total, p.note
from pgflow.task k
join pgflow.run r on r.id = k.run_id
join pgflow.workflow w on w.id = r.workflow_id
left join pgflow.node n on n.workflow = w.name and n.number = k.node
left join pgflow.progress p on p.run_id = k.run_id and p.node = k.node and p.elem = greatest(k.elem, 0);

-- How much waits for a worker or a limit, and since when. Of a longer queue the first ten thousand are looked at.
create view pgflow.queues as
select w.name as workflow, w.version, coalesce(n.id, case when q.node = 0 then 'start' else 'end' end) as node,
       case when q.control then 'body' else 'step' end as kind, t.ready, t.oldest_ready_at, pgflow.clock() - t.oldest_ready_at as age
from pgflow.queue q
join pgflow.workflow w on w.id = q.workflow_id
left join pgflow.node n on n.workflow = w.name and n.number = q.node
cross join lateral (
  select count(*) as ready, min(k.ready_at) as oldest_ready_at
  from (select k.ready_at from pgflow.task k where k.ready_in = q.id order by k.rank limit 10000) k) t;

-- What limits allow, and who holds it.
create view pgflow.limits as
select p.name, coalesce(p.override, p.declared) as size, count(s.run_id) as held,
       coalesce(array_agg(distinct s.run_id) filter (where s.run_id is not null), '{}') as by_runs
from pgflow.pool p left join pgflow.slot s on s.pool = p.id group by p.id;

create view pgflow.workers as
select w.id, w.name, w.started_at, w.lease_until > pgflow.clock() as alive, w.lease_until, w.idle,
       (w.offers ->> 'slots')::int as slots, w.offers -> 'gpus' as gpus, w.offers -> 'serves' as serves, w.offers -> 'refuses' as refuses
from pgflow.worker w;

-- Failed, cancelled and timed-out runs. No join with run: for a few failures that could read all of it.
create view pgflow.failures as
select f.at, f.run_id, f.workflow,
       (select w.version from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = f.run_id) as version,
       f.step, f.kind, f.message
from pgflow.failure f;

-- Per minute and step: for charts over any time.
create view pgflow.step_minutes as
select s.minute, w.name as workflow, w.version, n.id as node, sum(s.completed) as completed, sum(s.failed) as failed,
       sum(s.retried) as retried, sum(s.skipped) as skipped, sum(s.waited_ms) as waited_ms, sum(s.ran_ms) as ran_ms
from pgflow.stats s
join pgflow.workflow w on w.id = s.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = s.node
group by s.minute, w.id, n.id;

-- Per minute and workflow: how many runs ended, and how.
create view pgflow.throughput as
select e.minute, e.workflow, sum(e.completed) as completed, sum(e.failed) as failed, sum(e.cancelled) as cancelled, sum(e.timed_out) as timed_out
from (
  select s.minute, w.name as workflow, s.completed, 0 as failed, 0 as cancelled, 0 as timed_out
    from pgflow.stats s join pgflow.workflow w on w.id = s.workflow_id where s.node = -1
  union all
  select date_trunc('minute', f.at), f.workflow, 0, (f.kind not in ('cancelled', 'timed_out'))::int, (f.kind = 'cancelled')::int, (f.kind = 'timed_out')::int
    from pgflow.failure f) e
group by e.minute, e.workflow;

-- The last hour of each step, and of whole runs (node null). Half, and 95 of 100, took at most so many ms.
create view pgflow.steps as
with recent as (select s.* from pgflow.stats s where s.minute > pgflow.clock() - interval '1 hour'),
counted as (
  select c.workflow_id, c.node, sum(c.completed) completed, sum(c.failed) failed, sum(c.retried) retried, sum(c.skipped) skipped,
         sum(c.waited_ms) waited_ms, sum(c.ran_ms) ran_ms
  from recent c group by 1, 2),
spread as (
  select c.workflow_id, c.node, t.i, sum(sum(t.n)) over w as upto, sum(sum(t.n)) over (partition by c.workflow_id, c.node) as all_of_them
  from recent c cross join unnest(c.times) with ordinality t(n, i) group by 1, 2, 3
  window w as (partition by c.workflow_id, c.node order by t.i)),
percentile as (
  select p.workflow_id, p.node, (2 ^ (min(p.i) filter (where p.upto * 2 >= p.all_of_them) - 1))::bigint as half_ms,
         (2 ^ (min(p.i) filter (where p.upto * 20 >= p.all_of_them * 19) - 1))::bigint as p95_ms
  from spread p where p.all_of_them > 0 group by 1, 2)
select w.name as workflow, w.version, n.id as node, c.completed, c.failed, c.retried, c.skipped,
       round(c.completed::numeric / nullif(c.completed + c.failed, 0), 4) as success_rate,
       round(c.waited_ms::numeric / nullif(c.completed + c.failed + c.retried, 0), 1) as mean_waited_ms,
       round(c.ran_ms::numeric / nullif(c.completed + c.failed + c.retried, 0), 1) as mean_ms, p.half_ms, p.p95_ms
from counted c
join pgflow.workflow w on w.id = c.workflow_id
left join pgflow.node n on n.workflow = w.name and n.number = c.node
left join percentile p on p.workflow_id = c.workflow_id and p.node = c.node;
