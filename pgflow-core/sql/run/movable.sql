-- Called by whoever moves runs to another version, in batches by run: where they stand, as in standings.sql. Takes no locks.
select k.run_id, array_agg(distinct k.node order by k.node) filter (where k.elem <> 0 or k.arrived = k.need) as places,
       bool_or(k.worker_id is not null) as busy
from pgflow.task k join pgflow.queue q on q.id = k.queue
where q.workflow_id = $1 and k.run_id > $2
group by k.run_id order by k.run_id limit $3
