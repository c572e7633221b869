-- Called by clients: the attempts of a run, by which their spans are asked for. The run's own rows, by key.
select n.id as node, a.elem, a.attempt
from pgflow.attempt a
join pgflow.run r on r.id = a.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = a.node
where a.run_id = $1 and a.status not in (5, 7) and coalesce(a.started_at, a.ready_at) is not null  -- neither skipped nor kept from another run
order by coalesce(a.started_at, a.ready_at), a.node, a.elem, a.attempt
