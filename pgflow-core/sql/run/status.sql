-- Called by clients. Takes no locks.
select w.name, w.version, r.state, r.created_at, r.ended_at, r.error::text as error
from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = $1
