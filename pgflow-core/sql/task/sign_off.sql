-- Called by a worker that has handed back all that it held, so that nobody need look for its tokens again. A row that
-- stays is swept by recovery. The others hear of it: some of what waits may be served by nobody.
with left_over as (
  select exists (select from pgflow.task k where k.worker_id = $1) or exists (select from pgflow.slot s where s.worker_id = $1) as any),
gone as (delete from pgflow.worker w using left_over l where w.id = $1 and not l.any),
over as (
  update pgflow.worker w set lease_until = pgflow.clock() - interval '1 second', idle = false
  from left_over l where w.id = $1 and l.any)
select pg_notify('pgflow_work', '')
