-- Called by whoever repeats a run, in the transaction that makes the new one, which nobody else sees yet. Takes no locks.
insert into pgflow.attempt (run_id, node, elem, attempt, status, ended_at, output)
select a.run_id, a.node, a.elem, a.attempt + 1, 7, pgflow.clock(), $3::jsonb
from pgflow.attempt a
where a.run_id = $1 and a.node = $2 and a.elem = 0 and num_nonnulls(a.output, a.error) > 0
order by a.attempt desc limit 1
