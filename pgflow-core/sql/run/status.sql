-- Called by clients. Takes no locks.
select w.name, w.version, r.state, r.created_at, r.deadline, r.ended_at, r.error::text as error, r.origin, r.parent_run,
  (select k.key from pgflow.run_key k where k.run_id = r.id limit 1) as key,
  (select max(o.id) from pgflow.run o where o.origin = r.id) as repeated_as
from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = $1
