-- Called by whoever asks how many workers are wanted. Takes no locks; few rows.
select count(*) as live, coalesce(sum((w.offers ->> 'slots')::bigint), 0)::bigint as slots
from pgflow.worker w where w.lease_until > pgflow.clock()
