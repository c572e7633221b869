-- Removing what is old.

-- Removes up to p_most runs that ended so long ago, with all that hangs on them; never one that is under way, nor a child of
-- one. Answers how many. In small transactions, so that nobody waits for it.
create function pgflow.prune_1(p_older_ms bigint, p_most int) returns int language plpgsql as $$
declare
  ids bigint[];
begin
  select array_agg(o.id) into ids from (
    select r.id from pgflow.run r
    where r.state <> 0 and r.ended_at < pgflow.clock() - p_older_ms * interval '1 millisecond'
      and not exists (select from pgflow.run p where p.id = r.parent_run and p.state = 0)
    order by r.id limit p_most for update skip locked) o;
  if ids is null then return 0; end if;
  delete from pgflow.attempt a where a.run_id = any(ids);
  delete from pgflow.progress p where p.run_id = any(ids);
  delete from pgflow.signal g where g.run_id = any(ids);
  delete from pgflow.failure f where f.run_id = any(ids);
  delete from pgflow.run_key k where k.run_id = any(ids);
  delete from pgflow.run r where r.id = any(ids);
  return cardinality(ids);
end $$;
