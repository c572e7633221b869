-- Called by clients: what people did to a run, by its index. Takes no locks.
select a.at, a.actor, a.action, a.detail::text as detail from pgflow.audit a where a.run_id = $1 order by a.id limit 1000
