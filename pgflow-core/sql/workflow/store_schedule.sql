-- Called when a session begins. A new schedule counts from now.
insert into pgflow.schedule as s (workflow, version, cron, last_at) values ($1, $2, $3, pgflow.clock())
on conflict (workflow) do update set version = excluded.version, cron = excluded.cron
where s.version < excluded.version or (s.version = excluded.version and s.cron <> excluded.cron)
