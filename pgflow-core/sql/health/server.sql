-- Called by the doctor, before it knows whether there is a schema. Takes no locks. What other users' sessions are it may not see, but
-- only those of clients have a database.
select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
  array(select s.name::text from pg_settings s where s.name in ('fsync', 'full_page_writes', 'autovacuum', 'synchronous_commit') and s.setting = 'off' order by 1) as off,
  array(select s.source::text from pg_settings s where s.name in ('fsync', 'full_page_writes', 'autovacuum', 'synchronous_commit') and s.setting = 'off' order by s.name) as sources,
  current_database()::text as database, current_user::text as role,
  current_setting('max_connections')::int as connections,
  (select count(*)::int from pg_stat_activity a where a.datid is not null and coalesce(a.backend_type, 'client backend') = 'client backend') as connected,
  pg_is_in_recovery() as standby
