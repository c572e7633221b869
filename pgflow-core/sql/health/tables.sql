-- Called by the doctor: tables with many dead rows, and those that autovacuum may not touch. Takes no locks.
select s.relname::text as name, s.n_live_tup as live, s.n_dead_tup as dead, pg_size_pretty(pg_total_relation_size(s.relid)) as size,
  coalesce('autovacuum_enabled=false' = any(c.reloptions) or 'autovacuum_enabled=off' = any(c.reloptions), false) as excluded
from pg_stat_user_tables s join pg_class c on c.oid = s.relid
where s.schemaname = 'pgflow' order by s.n_dead_tup desc
