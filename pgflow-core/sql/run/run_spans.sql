-- Called by clients and exporters: what runs are in their traces. By primary key.
select r.id, r.trace, w.name as workflow, w.version, k.key, r.state, r.created_at, r.ended_at, r.error ->> 'message' as message,
  r.parent_run, o.id as origin, o.trace as origin_trace
from pgflow.run r
join pgflow.workflow w on w.id = r.workflow_id
left join pgflow.run_key k on k.run_id = r.id
left join pgflow.run o on o.id = r.origin
where r.id = any($1::bigint[])
