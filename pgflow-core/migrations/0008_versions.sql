-- Moving runs under way to another version of their workflow.

-- Moves runs that stand at the same places, as their caller saw them. Nodes have one number in all versions, so tokens only
-- change their queues; joins that wait are replaced by t_*, the tokens that such a run needs in the other version beside
-- those that it has. Answers for each run: moved, busy (a worker has a token of it, or just had), or gone (it has ended,
-- moved on, or been moved).
--
-- A new token only ever comes from a transaction that removes or moves an older one, so once a snapshot shows no other
-- tokens than those locked here there are none. It waits for no worker: a token that is locked is under way.
create function pgflow.migrate_1(
  p_runs bigint[], p_from int, p_to int, p_at smallint[],
  t_node smallint[], t_control boolean[], t_need int[], t_arrived int[], p_actor text)
returns table (run_id bigint, answer text) language plpgsql as $$
#variable_conflict use_column
declare
  run bigint;
  locked int;
  seen int;
  busy boolean;
  places smallint[];
  halted boolean;
  moved int;
  any_moved boolean := false;
begin
  -- senders of signals, and whoever ends or pauses a run, take it too; parents first
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || u.id, 0)) from (select distinct r.id from unnest(p_runs) r(id) order by 1) u;
  foreach run in array p_runs loop
    select count(*) into locked from (select from pgflow.task k where k.run_id = run for update skip locked) l;
    select count(*), coalesce(bool_or(k.worker_id is not null), false),
           array_agg(distinct k.node order by k.node) filter (where k.elem <> 0 or k.arrived = k.need)
      into seen, busy, places from pgflow.task k where k.run_id = run;
    if busy or seen <> locked then
      return query select run, 'busy';
      continue;
    end if;
    if places is distinct from p_at or not exists (select from pgflow.run r where r.id = run and r.workflow_id = p_from) then
      return query select run, 'gone';
      continue;
    end if;
    halted := exists (select from pgflow.pause p where p.run_id = run);
    delete from pgflow.task k where k.run_id = run and k.elem = 0 and k.arrived < k.need;
    update pgflow.task k set queue = n.id, ready_in = case when k.ready_in is not null then n.id end, epoch = k.epoch + 1
      from pgflow.queue o join pgflow.queue n on n.workflow_id = p_to and n.node = o.node and n.control = o.control
      where k.run_id = run and o.id = k.queue and o.workflow_id = p_from;
    get diagnostics moved = row_count;
    if moved <> (select count(*) from pgflow.task k where k.run_id = run) then
      raise exception 'a token of run % has no place in the other version', run;
    end if;
    insert into pgflow.task (run_id, lane, elem, node, queue, epoch, need, arrived, ready_in, rank, paused)
      select run, t.node, 0, t.node, q.id, 1, t.need, t.arrived, case when t.need = t.arrived and not halted then q.id end,
             pgflow.rank_at(pgflow.clock(), 0), t.need = t.arrived and halted
      from unnest(t_node, t_control, t_need, t_arrived) t(node, control, need, arrived)
      join pgflow.queue q on q.workflow_id = p_to and q.node = t.node and q.control = t.control;
    update pgflow.run r set workflow_id = p_to where r.id = run;
    insert into pgflow.audit (actor, action, run_id, detail)
      select p_actor, 'migrate', run, jsonb_build_object('from', o.version, 'to', n.version)
      from pgflow.workflow o, pgflow.workflow n where o.id = p_from and n.id = p_to;
    any_moved := true;
    return query select run, 'moved';
  end loop;
  if any_moved then perform pgflow.wake_1(); end if;
end $$;
