-- Called by whoever asks which versions runs under way need: how many stand at the same places of the same version, by
-- number of the node. Joins that still wait follow from these. Takes no locks; reads all tokens.
select s.workflow_id, s.places, count(*) as runs, (array_agg(s.run_id order by s.run_id))[1:5] as examples
from (
  select q.workflow_id, k.run_id, array_agg(distinct k.node order by k.node) filter (where k.elem <> 0 or k.arrived = k.need) as places
  from pgflow.task k join pgflow.queue q on q.id = k.queue
  group by q.workflow_id, k.run_id) s
group by s.workflow_id, s.places order by s.workflow_id, s.places
