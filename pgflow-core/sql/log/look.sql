-- Called by clients that show the lines of a live run: workers write them down for a while. Others' marks that have run
-- out are removed; locked ones are left to somebody else, so nobody waits for anybody.
with over as materialized (
  select k.run_id from pgflow.look k where k.run_id <> $1 and k.until_at < pgflow.clock() limit 100 for update skip locked),
removed as (delete from pgflow.look k using over o where k.run_id = o.run_id)
insert into pgflow.look as k (run_id, until_at)
select r.id, pgflow.clock() + $2 * interval '1 millisecond' from pgflow.run r where r.id = $1 and r.state = 0
on conflict (run_id) do update set until_at = excluded.until_at
where k.until_at < excluded.until_at - $2 / 2 * interval '1 millisecond'
