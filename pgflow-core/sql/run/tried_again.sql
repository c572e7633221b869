-- Called by tests that let workers die. Takes no locks.
select distinct n.id from pgflow.attempt done
join pgflow.attempt a using (run_id, node, elem)
join pgflow.run r on r.id = done.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = done.node
where done.run_id >= $1 and done.status = 1 and a.attempt > done.attempt order by n.id
