-- Called by clients. Takes no locks.
select n.id as node, a.elem, a.attempt, a.status, a.ready_at, a.started_at, a.ended_at, a.error::text as error
from pgflow.attempt a
join pgflow.run r on r.id = a.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = a.node
where a.run_id = $1 order by a.ended_at, a.node, a.elem, a.attempt limit 100000
