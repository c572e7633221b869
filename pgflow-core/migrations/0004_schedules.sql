-- Schedules: workflows that start by themselves.

create table pgflow.schedule (
  workflow text primary key,
  version  int not null,                           -- the newest that has registered; older binaries leave it alone
  cron     text not null,
  last_at  timestamptz not null                    -- up to when ticks have fired
);
