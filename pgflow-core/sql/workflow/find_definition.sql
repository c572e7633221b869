-- Called by clients: a version's definition with the numbers where its runs begin; the newest version where none is given. Takes
-- no locks.
select w.id, w.definition::text as definition,
  array(select n.id from pgflow.node n where n.workflow = w.name order by n.number) as ids,
  array(select n.number from pgflow.node n where n.workflow = w.name order by n.number) as numbers,
  array(select q.node from pgflow.queue q where q.workflow_id = w.id order by q.id) as queue_nodes,
  array(select q.control from pgflow.queue q where q.workflow_id = w.id order by q.id) as queue_controls,
  array(select q.id from pgflow.queue q where q.workflow_id = w.id order by q.id) as queues,
  exists (select from pgflow.pool p where p.name = 'workflow:' || w.name) as limited
from pgflow.workflow w where w.name = $1 and ($2::int is null or w.version = $2) order by w.version desc limit 1
