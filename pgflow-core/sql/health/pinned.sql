-- Called by the doctor: what has kept dead rows of this database from being removed for so many milliseconds. A standby reports
-- no time but a transaction: then over so many transactions. Transactions of other databases keep none of these; nor does the
-- catalog_xmin of a logical slot, which keeps those of catalogs. Takes no locks.
select format('pid %s (user %s, %s, %s)', a.pid, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), 'no application name'), a.state) as who,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::bigint as age_ms, null::bigint as transactions,
  format('select pg_terminate_backend(%s);', a.pid) as remedy
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xmin is not null or a.backend_xid is not null)
  and a.backend_type = 'client backend' and a.xact_start < clock_timestamp() - $1 * interval '1 millisecond'
union all
select format('prepared transaction `%s` (user %s)', p.gid, p.owner), (extract(epoch from clock_timestamp() - p.prepared) * 1000)::bigint, null,
  format('rollback prepared %L;', p.gid)
from pg_prepared_xacts p where p.database = current_database() and p.prepared < clock_timestamp() - $1 * interval '1 millisecond'
union all
select format('a transaction on standby `%s` (pid %s here, which sends to it)', a.application_name, a.pid), null, age(a.backend_xmin),
  'end it there, or say there: alter system set hot_standby_feedback = off; select pg_reload_conf();'
from pg_stat_activity a where a.backend_type = 'walsender' and a.backend_xmin is not null and age(a.backend_xmin) >= $2
union all
select format('replication slot `%s`, which %s', s.slot_name, coalesce('pid ' || s.active_pid || ' uses', 'nobody uses')), null, age(s.xmin),
  case when s.active then 'end the transaction on its standby, or say there: alter system set hot_standby_feedback = off; select pg_reload_conf();'
       else format('start what used it, or: select pg_drop_replication_slot(%L);', s.slot_name) end
from pg_replication_slots s where s.xmin is not null and (not s.active or age(s.xmin) >= $2)
order by 2 desc nulls last, 3 desc limit 10
