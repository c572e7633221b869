-- Called by the doctor: the queues in which something is ready, with the first of each and who serves it. Takes no locks; one
-- look into the index of ready tokens per queue.
with recursive ready(queue) as (
  select min(k.ready_in) from pgflow.task k where k.ready_in is not null
  union all select (select min(k.ready_in) from pgflow.task k where k.ready_in > r.queue) from ready r where r.queue is not null)
select w.name || '@' || w.version as version, coalesce(n.id, case when q.node = 0 then 'start' else 'end' end) as node, f.run_id,
  (extract(epoch from pgflow.clock() - f.ready_at) * 1000)::bigint as age_ms,
  (select count(*) from (select from pgflow.task k where k.ready_in = r.queue limit $1) c) as tasks,
  coalesce(array_length(s.refusals, 1), 0) as servers,
  case when array_position(s.refusals, null) is null then s.refusals[1] end as refusal
from ready r
join pgflow.queue q on q.id = r.queue
join pgflow.workflow w on w.id = q.workflow_id
left join pgflow.node n on n.workflow = w.name and n.number = q.node
cross join lateral (select k.run_id, k.ready_at from pgflow.task k where k.ready_in = r.queue order by k.rank limit 1) f
cross join lateral (
  select array_agg((select e ->> 'why' from jsonb_array_elements(v.offers -> 'refuses') e
    where not q.control and e ->> 'step' = (select d ->> 'step' from jsonb_array_elements(w.definition -> 'nodes') d where d ->> 'id' = n.id) limit 1)) as refusals
  from pgflow.worker v where v.lease_until > pgflow.clock() and v.offers -> 'serves' ? (w.name || '@' || w.version)) s
order by f.ready_at limit 1000
