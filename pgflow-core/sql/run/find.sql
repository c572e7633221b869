-- Called by clients: the runs that have this key, one per workflow at most. Takes no locks.
select k.workflow, k.run_id from (select distinct w.name from pgflow.workflow w) w
join pgflow.run_key k on k.workflow = w.name and k.key = $1 order by 1
