-- Called by clients and exporters: what runs are in their traces, and the topmost run that they were started for, with which a
-- trace begins that nobody gave. By primary key.
with recursive up as (
  select t.id, t.id as at, t.parent_run as parent, 0 as depth from pgflow.run t
  where t.id = any($1::bigint[] || array(select o.origin from pgflow.run o where o.id = any($1) and o.origin is not null))
  union all
  select u.id, p.id, p.parent_run, u.depth + 1 from up u join pgflow.run p on p.id = u.parent),
root as (
  select distinct on (u.id) u.id, r.id as root, w.name as root_workflow, r.created_at as root_at
  from up u join pgflow.run r on r.id = u.at join pgflow.workflow w on w.id = r.workflow_id
  order by u.id, u.depth desc)
select r.id, r.trace, w.name as workflow, w.version, k.key, r.state, r.created_at, r.ended_at, r.error ->> 'message' as message,
  r.parent_run, a.root, a.root_workflow, a.root_at,
  o.id as origin, o.trace as origin_trace, b.root as origin_root, b.root_workflow as origin_root_workflow, b.root_at as origin_root_at
from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
join root a on a.id = r.id
left join pgflow.run_key k on k.run_id = r.id
left join pgflow.run o on o.id = r.origin
left join root b on b.id = o.id
where r.id = any($1::bigint[])
