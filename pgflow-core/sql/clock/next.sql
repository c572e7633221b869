-- Called by tests that let time jump. Answers whether anything can go on now, and otherwise in how many microseconds
-- something is due. Can go on: what is held, what is due and not yet seen to, what is ready unless it waits for a limit that
-- only time lifts; and while a worker may be looking for work, nobody knows. Takes no locks; reads all of small tables.
with at as materialized (select pgflow.clock() as now),
-- limits that are used up: of a rate, and of runs under way, which may sleep
used_up as (
  select p.name from pgflow.pool p cross join at
  where not exists (
    select from pgflow.slot s where s.pool = p.id and s.run_id is null and s.n <= coalesce(p.override, p.declared)
      and (s.free_at is null or s.free_at <= at.now))),
ready as (
  select exists (
    select from used_up u where u.name = case
      when not q.control then 'rate:' || d.step
      when q.node = 0 then 'workflow:' || w.name end) as waits
  from pgflow.task k
  join pgflow.queue q on q.id = k.ready_in
  join pgflow.workflow w on w.id = q.workflow_id
  left join lateral (
    select e ->> 'step' as step from pgflow.node n cross join jsonb_array_elements(w.definition -> 'nodes') e
    where n.workflow = w.name and n.number = q.node and e ->> 'id' = n.id) d on true),
due (at) as (
  select k.due_at from pgflow.task k where k.due_at is not null
  union all
  select r.deadline from pgflow.run r
    where r.deadline is not null and r.state = 0 and not exists (select from pgflow.pause p where p.run_id = r.id)
  union all
  select s.free_at from pgflow.slot s cross join at where s.free_at > at.now and exists (select from ready))
select
  not exists (select from pgflow.worker w where w.lease_until > at.now)
    or exists (select from pgflow.worker w where w.lease_until > at.now and not w.idle)
    or exists (select from pgflow.task k where k.worker_id is not null)
    or exists (select from ready r where not r.waits)
    or exists (select from due d where d.at <= at.now) as busy,
  (select (extract(epoch from min(d.at) - at.now) * 1000000)::bigint from due d) as next_us
from at
