-- Called with the heartbeat, for the runs that the worker completed since the last one. Takes no locks.
select r.id, r.workflow_id, (extract(epoch from r.ended_at - r.created_at) * 1000)::bigint as took_ms
from pgflow.run r where r.id = any($1) and r.ended_at is not null
