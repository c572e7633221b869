-- Called by clients for a live run. A row per live worker that has its version, with the reason why it refuses a step of
-- the run that is ready, if it does. Takes no locks; few rows.
select (
  select r ->> 'why' from jsonb_array_elements(w.offers -> 'refuses') r
  where r ->> 'step' in (
    select n ->> 'step' from pgflow.task k
    join pgflow.run u on u.id = k.run_id
    join pgflow.workflow f on f.id = u.workflow_id
    join pgflow.node d on d.workflow = f.name and d.number = k.node
    cross join jsonb_array_elements(f.definition -> 'nodes') n
    where k.run_id = $1 and k.ready_in is not null and n ->> 'id' = d.id)
  limit 1) as refusal
from pgflow.worker w
where w.lease_until > pgflow.clock() and w.offers -> 'serves' ? $2
