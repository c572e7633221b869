-- Called by the doctor, before it knows whether there is a schema. Takes no locks.
select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
  current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
  current_setting('synchronous_commit') as synchronous_commit, current_setting('autovacuum') as autovacuum,
  current_setting('max_connections')::int as connections,
  (select count(*)::int from pg_stat_activity a where a.backend_type = 'client backend') as connected,
  pg_is_in_recovery() as standby
