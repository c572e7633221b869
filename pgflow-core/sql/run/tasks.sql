-- Called by clients. Takes no locks.
select coalesce(n.id, case when k.node = 0 then 'start' else 'end' end) as node, k.elem, k.attempt, k.worker_id,
       k.ready_in is not null as ready, k.due_at is not null as delayed, k.paused,
       case when not q.control and k.arrived = k.need then d ->> 'kind' end as kind, p.done, p.total, p.note
from pgflow.task k
join pgflow.run r on r.id = k.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.queue q on q.id = k.queue
left join pgflow.node n on n.workflow = w.name and n.number = k.node
left join lateral (select e from jsonb_array_elements(w.definition -> 'nodes') e where e ->> 'id' = n.id) d(d) on true
left join pgflow.progress p on p.run_id = k.run_id and p.node = k.node and p.elem = greatest(k.elem, 0)
where k.run_id = $1 order by k.lane, k.elem limit 100000
