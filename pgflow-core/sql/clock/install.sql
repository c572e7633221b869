-- Called by tests. From now on the clock of this database is ahead of its server's by what the table says. Whoever is
-- connected plans anew: the planner knows which plans the old text was inlined in.
create table if not exists pgflow.virtual_time (
  only_row boolean primary key default true check (only_row),
  ahead    interval not null
);
insert into pgflow.virtual_time (ahead) values ('0') on conflict do nothing;
create or replace function pgflow.clock() returns timestamptz language sql stable parallel safe
  as 'select now() + v.ahead from pgflow.virtual_time v';
-- days of work come in a second, and nobody needs them after a power cut: who connects from now on does not wait for the disk
do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$;
