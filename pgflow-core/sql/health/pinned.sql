-- Called by the doctor: what has kept dead rows from being removed for so many milliseconds. Takes no locks.
select format('pid %s (user %s, %s, %s)', a.pid, coalesce(a.usename, '?'), coalesce(nullif(a.application_name, ''), 'no application name'), a.state) as who,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::bigint as age_ms, format('select pg_terminate_backend(%s);', a.pid) as remedy
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and (a.backend_xmin is not null or a.backend_xid is not null)
  and a.backend_type = 'client backend' and a.xact_start < clock_timestamp() - $1 * interval '1 millisecond'
union all
select format('prepared transaction `%s` (user %s)', p.gid, p.owner), (extract(epoch from clock_timestamp() - p.prepared) * 1000)::bigint, format('rollback prepared %L;', p.gid)
from pg_prepared_xacts p where p.database = current_database() and p.prepared < clock_timestamp() - $1 * interval '1 millisecond'
union all
select format('replication slot `%s`', s.slot_name), null, format('select pg_drop_replication_slot(%L);', s.slot_name)
from pg_replication_slots s where s.xmin is not null and not s.active
order by 2 desc nulls last limit 10
