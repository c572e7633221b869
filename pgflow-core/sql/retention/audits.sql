-- Called by prune. Takes the locks of rows that nobody changes; what was done to a run stays as long as the run.
delete from pgflow.audit a
where a.at < pgflow.clock() - $1 * interval '1 millisecond' and not exists (select from pgflow.run r where r.id = a.run_id)
