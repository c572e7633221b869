-- Called by clients, in the host's own transaction too. Locks the run's key; see the function.
-- There the path is the host's, and in its schemas may be what fits better than what Postgres has. So it is taken away
-- before the function runs (which must read `o.safe` to run later) and is as it was afterwards; a failure takes all back.
with host as materialized (select pg_catalog.current_setting('search_path') as path),
ours as materialized (select h.path, pg_catalog.set_config('search_path', 'pg_catalog', true) is not null as safe from host h)
select s.run_id, s.fresh, s.same_input, pg_catalog.set_config('search_path', o.path, true) as restored
from ours o
cross join lateral pgflow.start_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 and o.safe) s
