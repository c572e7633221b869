-- Called by clients: a row per node of a run that has begun, a map as one. Takes no locks; the run's own rows, by key.
with last as (
  select distinct on (a.node, a.elem) a.node, a.elem, a.attempt, a.status, a.error, a.output from pgflow.attempt a
  where a.run_id = $1 order by a.node, a.elem, a.attempt desc),
ended as (
  select l.node, count(*) filter (where l.status in (1, 7)) as done, count(*) filter (where l.status in (2, 3, 4)) as failed,
    count(*) filter (where l.status = 5) as skipped, count(*) filter (where l.status = 6) as cancelled, max(l.attempt) as attempt,
    (array_agg(l.error::text order by l.elem) filter (where l.error is not null))[1] as error,
    (array_agg(l.output #>> '{}') filter (where l.elem = 0 and l.status in (1, 7) and jsonb_typeof(l.output) = 'string'))[1] as arm
  from last l group by 1),
spans as (
  select a.node, min(a.ready_at) as ready_at, min(a.started_at) as started_at, max(a.ended_at) as ended_at from pgflow.attempt a
  where a.run_id = $1 group by 1),
here as (
  select k.node, count(*) filter (where k.worker_id is not null) as running, count(*) filter (where k.ready_in is not null) as ready,
    count(*) filter (where k.worker_id is null and k.ready_in is null) as waiting, max(k.attempt) as attempt,
    min(k.ready_at) as ready_at, min(k.started_at) as started_at
  from pgflow.task k where k.run_id = $1 and not (k.elem = -1 and k.arrived < k.need) group by 1),
branches as (
  select e ->> 'id' as id from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id
  cross join lateral jsonb_array_elements(w.definition -> 'nodes') e where r.id = $1 and e ->> 'kind' = 'branch')
select n.id, coalesce(e.done, 0) as done, coalesce(e.failed, 0) as failed, coalesce(e.skipped, 0) as skipped, coalesce(e.cancelled, 0) as cancelled,
  coalesce(h.running, 0) as running, coalesce(h.ready, 0) as ready, coalesce(h.waiting, 0) as waiting,
  greatest(e.attempt, h.attempt) as attempt, e.error,
  case when b.id is not null then e.arm end as arm, least(s.ready_at, h.ready_at) as ready_at, least(s.started_at, h.started_at) as started_at,
  case when h.node is null then s.ended_at end as ended_at
from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name
left join branches b on b.id = n.id
left join ended e on e.node = n.number
left join spans s on s.node = n.number
left join here h on h.node = n.number
where r.id = $1 and (e.node is not null or h.node is not null)
