-- Called at registration, under the advisory lock of the workflow's name.
with fresh as (
  insert into pgflow.queue (workflow_id, node, control)
  select $1, w.node, w.control from unnest($2::smallint[], $3::boolean[]) w(node, control)
  where not exists (select from pgflow.queue q where q.workflow_id = $1 and q.node = w.node and q.control = w.control)
  returning node, control, id)
select node, control, id from fresh
union all
select q.node, q.control, q.id from pgflow.queue q where q.workflow_id = $1
