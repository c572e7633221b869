-- Called by whoever repeats a run: its definition with the numbers of its nodes and queues. Takes no locks.
select w.definition::text as definition, r.state = 1 as completed,
  array(select n.id from pgflow.node n where n.workflow = w.name order by n.number) as ids,
  array(select n.number from pgflow.node n where n.workflow = w.name order by n.number) as numbers,
  array(select q.node from pgflow.queue q where q.workflow_id = w.id order by q.id) as queue_nodes,
  array(select q.control from pgflow.queue q where q.workflow_id = w.id order by q.id) as queue_controls,
  array(select q.id from pgflow.queue q where q.workflow_id = w.id order by q.id) as queues
from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = $1
