-- Called with queues.sql: who is alive. Takes no locks; few rows.
select count(*) as alive, coalesce(sum((w.offers ->> 'slots')::bigint), 0)::bigint as slots, coalesce(sum(w.busy), 0)::bigint as busy,
       coalesce(sum(jsonb_array_length(w.offers -> 'gpus')), 0)::bigint as gpus
from pgflow.worker w where w.lease_until > pgflow.clock()
