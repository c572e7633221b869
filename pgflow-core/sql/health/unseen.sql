-- Called by the doctor: sessions that keep dead rows of this database right now, and of which this role may not see since when.
-- Takes no locks.
select count(*) as sessions, current_user::text as role
from pg_stat_activity a
where (a.datname = current_database() or a.datid is null) and a.pid <> pg_backend_pid()
  and (a.backend_xmin is not null or a.backend_xid is not null) and a.backend_type is null
