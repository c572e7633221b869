-- Called by the worker after a claim and before it evaluates pure code. Takes no locks; the last attempt of a settled
-- node never changes. Elements of a map come in order.
select distinct on (a.run_id, a.node, a.elem) a.run_id, a.node, a.elem, a.status, a.output::text as output, a.error::text as error
from unnest($1::bigint[], $2::smallint[]) w(run_id, node)
join pgflow.attempt a on a.run_id = w.run_id and a.node = w.node
order by a.run_id, a.node, a.elem, a.attempt desc
