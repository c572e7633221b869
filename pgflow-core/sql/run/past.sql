-- Called by whoever repeats a run. Takes no locks; what has ended does not change.
select distinct on (a.node, a.elem) a.node, a.elem, a.status from pgflow.attempt a
where a.run_id = $1 order by a.node, a.elem, a.attempt desc
