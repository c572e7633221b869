-- Called by workers with an observer that wants it, and by whoever asks how much there is to do: the queues with work.
-- Takes no locks. Of a longer queue the first ten thousand are looked at.
select q.workflow, q.version, q.node, q.kind, q.ready, (extract(epoch from q.age) * 1000)::bigint as age_ms
from pgflow.queues q where q.ready > 0 order by 1, 2, 3, 4
