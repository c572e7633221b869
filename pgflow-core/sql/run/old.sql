-- Called by clients before runs are removed: how many that would be, up to a limit. Takes no locks.
select count(*) from (
  select from pgflow.run r
  where r.state <> 0 and r.ended_at < pgflow.clock() - $1 * interval '1 millisecond'
    and not exists (select from pgflow.run p where p.id = r.parent_run and p.state = 0)
  limit $2) o
