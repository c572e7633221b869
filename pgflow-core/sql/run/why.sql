-- Called by clients. Takes no locks.
select code, node, element, tasks, since, until, reason, detail::text as detail from pgflow.why_1($1)
