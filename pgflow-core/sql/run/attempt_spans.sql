-- Called by clients and exporters: what attempts are in their traces, by run, id of the node, element and attempt, in this
-- order. By primary key; of each node that an attempt's own node comes after, or that chose its arm by, the attempt that ended last,
-- by the run's rows; and the attempt that it repeats.
with asked as materialized (
  select k.*, r.trace, w.id as workflow_id, w.name, w.version, n.number from unnest($1::bigint[], $2::text[], $3::int[], $4::smallint[]) with ordinality k(run_id, node, elem, attempt, place)
  join pgflow.run r on r.id = k.run_id
  join pgflow.workflow w on w.id = r.workflow_id
  join pgflow.node n on n.workflow = w.name and n.id = k.node),
before as (
  select o.run_id, o.node, array_agg(m.id order by m.id) as nodes, array_agg(l.elem order by m.id) as elems, array_agg(l.attempt order by m.id) as attempts
  from (select distinct a.run_id, a.node, a.workflow_id, a.name from asked a) o
  join pgflow.workflow w on w.id = o.workflow_id
  cross join lateral (select d.spec from jsonb_array_elements(w.definition -> 'nodes') d(spec) where d.spec ->> 'id' = o.node) d
  cross join lateral (select jsonb_array_elements_text(d.spec -> 'deps') as id union select jsonb_array_elements_text(d.spec -> 'after')
    union select jsonb_array_elements_text(c.spec -> 'deps') from jsonb_array_elements(w.definition -> 'nodes') c(spec)
      where c.spec ->> 'id' = d.spec #>> '{condition,branch}') b
  join pgflow.node m on m.workflow = o.name and m.id = b.id
  cross join lateral (
    select t.elem, t.attempt from pgflow.attempt t where t.run_id = o.run_id and t.node = m.number and t.status not in (5, 7) and t.started_at is not null
    order by t.ended_at desc, t.elem desc, t.attempt desc limit 1) l
  group by 1, 2)
select a.run_id, a.trace, a.name as workflow, a.version, a.node, a.elem, a.attempt, t.status, t.worker_id, t.ready_at, coalesce(t.started_at, t.ready_at) as started_at, t.ended_at,
  t.error ->> 'message' as message, coalesce(b.nodes, '{}') as before_nodes, coalesce(b.elems, '{}') as before_elems, coalesce(b.attempts, '{}') as before_attempts, p.attempt as repeats
from asked a
join pgflow.attempt t on t.run_id = a.run_id and t.node = a.number and t.elem = a.elem and t.attempt = a.attempt
left join pgflow.attempt p on p.run_id = a.run_id and p.node = a.number and p.elem = a.elem and p.attempt = a.attempt - 1
  and p.status not in (5, 7) and coalesce(p.started_at, p.ready_at) is not null
left join before b on b.run_id = a.run_id and b.node = a.node
where coalesce(t.started_at, t.ready_at) is not null
order by a.place
