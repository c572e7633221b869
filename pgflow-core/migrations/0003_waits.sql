-- Branches, sleeps, signals, children, bounded maps, pause. Binaries of schema 2 go on beside this: a function with other
-- parameters has a new number, and one that is replaced does for them what it did.

create table pgflow.signal (                       -- kept whether or not somebody waits already; the first of a name wins
  run_id  bigint not null,
  name    text not null,
  payload jsonb not null,
  actor   text not null,
  at      timestamptz not null default pgflow.clock(),
  primary key (run_id, name)
);

create table pgflow.pause (                        -- runs that stand still; their tokens carry it too
  run_id bigint primary key,
  actor  text not null,
  at     timestamptz not null default pgflow.clock()
);

create index run_origin on pgflow.run (origin) where origin is not null;
create index run_key_run on pgflow.run_key (run_id);

-- A parked token waits for a signal or a child: neither ready nor due nor running. Its input is the limit of the wait in
-- milliseconds, where there is one. An element of a bounded map that may not begin yet waits for one arrival more.

-- One round trip for a batch of settled tokens of one worker. Every decision rests on what UPDATE and DELETE return,
-- never on a second read: a token that this worker no longer holds at this epoch is refused and leaves nothing.
--   p_*  what settled (status null: pure code, no attempt row) and where it goes: p_next null: it ends; p_wait_ms without
--        p_park: a retry; p_park: it waits there, for p_wait_ms, for p_signal, or for the child that c_* starts; p_next_of: the
--        bounded map of which it was an element; p_end: the final value, p_result, is there; p_start: it was the start of a
--        run, whose slot in p_run_pool now belongs to the run
--   r_*  what pure code came to on the way: arms of branches, nodes that were skipped
--   c_*  children to start, by the token that waits for them
--   a_*  arrivals elsewhere: forks and elements have need 1, and go on here where a_direct says so; arrivals at a join are
--        summed before they touch its row, and it goes on here when its queue is in p_join_direct; need 0: the row is there
--   f_*  slots to free; fenced by holder and epoch, also for tokens that were refused
-- Answers which were taken, which of these are paused and do not go on here, and what began here beside them.
create function pgflow.flush_2(
  p_worker int, p_run bigint[], p_lane smallint[], p_elem int[], p_epoch int[],
  p_node smallint[], p_number int[], p_attempt smallint[], p_status smallint[], p_ready timestamptz[], p_started timestamptz[],
  p_output text[], p_error text[],
  p_next smallint[], p_next_queue int[], p_direct boolean[], p_wait_ms bigint[], p_park boolean[], p_signal text[], p_next_of smallint[], p_head bigint[],
  p_end boolean[], p_result text[], p_start boolean[], p_run_pool int[],
  r_ord int[], r_node smallint[], r_status smallint[], r_output text[], r_error text[],
  c_ord int[], c_workflow int[], c_input text[], c_timeout_ms bigint[], c_node smallint[], c_queue int[], c_head bigint[],
  a_ord int[], a_lane smallint[], a_elem int[], a_queue int[], a_need int[], a_direct boolean[], a_head bigint[], a_input text[],
  p_join_direct int[], f_pool int[], f_n int[], f_run bigint[], f_lane smallint[], f_elem int[], f_epoch int[])
returns table (taken int[], halted int[], run_id bigint, lane smallint, elem int, epoch int, at timestamptz)
language plpgsql rows 100 as $$
#variable_conflict use_column
declare
  ok int[];
  stopped int[];                                   -- those that are paused
  children bigint[];                               -- runs that ended here and that a parent waits for
  left_ready boolean := false;
begin
  -- whoever parks on a signal and whoever sends it must see each other: both take the run's lock first
  if cardinality(array_remove(p_signal, null)) > 0 then
    perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || u.run_id, 0))
      from (select distinct r.run_id from unnest(p_run, p_signal) r(run_id, signal) where r.signal is not null order by 1) u;
  end if;

  with c as (
    select * from unnest(p_run, p_lane, p_elem, p_epoch, p_node, p_number, p_attempt, p_status, p_ready, p_started, p_output, p_error,
                         p_next, p_next_queue, p_direct, p_wait_ms, p_park, p_head, p_end, p_result) with ordinality
      as c(run_id, lane, elem, epoch, node, number, attempt, status, ready_at, started_at, output, error,
           next, next_queue, direct, wait_ms, park, head, ends, result, ord)),
  moved as (
    update pgflow.task k set node = c.next, queue = c.next_queue, epoch = k.epoch + 1,
      -- who waits on was at this node before, and may have a row there of a worker that died
      attempt    = case when c.park and k.queue = c.next_queue then k.attempt when c.wait_ms is null or c.park then 1 else k.attempt + 1 end,
      losses     = case when c.wait_ms is null or c.park then 0 else k.losses end,
      ready_in   = case when c.wait_ms is null and not c.park and not c.direct and not k.paused then c.next_queue end,
      worker_id  = case when c.direct and not k.paused then p_worker end,
      due_at     = pgflow.clock() + c.wait_ms * interval '1 millisecond',
      -- an indexed column: left alone where nobody looks at it, the update stays HOT
      rank       = case when c.direct then k.rank else pgflow.rank_at(pgflow.clock(), c.head) end,
      ready_at   = greatest(pgflow.clock(), c.started_at),
      started_at = case when c.direct and not k.paused then greatest(pgflow.clock(), c.started_at) end,
      input      = case when c.park then to_jsonb(c.wait_ms) when c.wait_ms is not null then k.input end
    from c where c.next is not null
      and k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem and k.epoch = c.epoch and k.worker_id = p_worker
    returning c.*, k.paused),
  gone as (
    delete from pgflow.task k using c where c.next is null
      and k.run_id = c.run_id and k.lane = c.lane and k.elem = c.elem and k.epoch = c.epoch and k.worker_id = p_worker
    returning c.*, k.paused),
  took as (select * from moved union all select * from gone),
  noted as (
    insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, output, error)
      select t.run_id, t.node, t.number, t.attempt, t.status, p_worker, t.ready_at, t.started_at, greatest(pgflow.clock(), t.started_at),
             t.output::jsonb, t.error::jsonb
      from took t where t.status is not null),
  ended as (
    update pgflow.run r set state = 1, ended_at = greatest(pgflow.clock(), r.created_at), output = t.result::jsonb
      from took t where t.ends and r.id = t.run_id and r.state = 0
      returning r.id, r.parent_run)
  select array_agg(ord::int), array_agg(ord::int) filter (where t.paused),
         coalesce(bool_or(t.next is not null and not t.direct and not t.park and t.wait_ms is null), false),
         (select array_agg(e.id) from ended e where e.parent_run is not null)
    into ok, stopped, left_ready, children from took t;

  if cardinality(r_ord) > 0 then
    insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ended_at, output, error)
      select p_run[r.ord], r.node, 0, 1, r.status, p_worker, pgflow.clock(), r.output::jsonb, r.error::jsonb
      from unnest(r_ord, r_node, r_status, r_output, r_error) r(ord, node, status, output, error) where r.ord = any(ok);
  end if;

  if cardinality(a_ord) > 0 then
    return query
    with s as (
      select a.run_id, a.lane, a.elem, min(a.queue) queue, coalesce(nullif(max(a.need), 0), 2147483647) need, count(*)::int n,
             (bool_or(a.direct) or (max(a.need) <> 1 and min(a.queue) = any(p_join_direct))) and not bool_or(a.paused) direct,
             max(a.head) head, min(a.input) input, bool_or(a.paused) paused
      from (select p_run[u.ord] run_id, u.*, coalesce(u.ord = any(stopped), false) paused
              from unnest(a_ord, a_lane, a_elem, a_queue, a_need, a_direct, a_head, a_input)
              u(ord, lane, elem, queue, need, direct, head, input) where u.ord = any(ok)) a
      group by 1, 2, 3 order by 1, 2, 3),
    put as (
      insert into pgflow.task as k (run_id, lane, elem, node, queue, epoch, need, arrived, ready_in, worker_id, rank, paused, ready_at, started_at, input)
        select s.run_id, s.lane, s.elem, s.lane, s.queue, 1, s.need, s.n,
               case when s.n = s.need and not s.direct and not s.paused then s.queue end,
               case when s.n = s.need and s.direct then p_worker end,
               pgflow.rank_at(pgflow.clock(), s.head), s.paused, pgflow.clock(),
               case when s.n = s.need and s.direct then pgflow.clock() end, s.input::jsonb
        from s
      on conflict on constraint task_pkey do update set
        arrived    = k.arrived + excluded.arrived,
        epoch      = k.epoch + 1,
        paused     = k.paused or excluded.paused,
        ready_in   = case when k.arrived + excluded.arrived = k.need and k.queue <> all(p_join_direct) and not (k.paused or excluded.paused) then k.queue end,
        worker_id  = case when k.arrived + excluded.arrived = k.need and k.queue = any(p_join_direct) and not (k.paused or excluded.paused) then p_worker end,
        rank       = case when k.arrived + excluded.arrived = k.need and k.queue <> all(p_join_direct) then excluded.rank else k.rank end,
        ready_at   = greatest(pgflow.clock(), k.ready_at),
        started_at = case when k.arrived + excluded.arrived = k.need and k.queue = any(p_join_direct) and not (k.paused or excluded.paused)
                          then greatest(pgflow.clock(), k.ready_at) end
      returning k.run_id, k.lane, k.elem, k.epoch, k.worker_id, k.started_at)
    select null::int[], null::int[], p.run_id, p.lane, p.elem, p.epoch, p.started_at from put p where p.worker_id is not null;
    left_ready := left_ready or not (true = all(a_direct));
  end if;

  if cardinality(array_remove(p_next_of, null)) > 0 then
    -- materialized: a plan that ran the choice again for each row would let more begin
    with t as materialized (
      select w.run_id, w.lane, w.paused, e.elem
      from (select u.run_id, u.lane, count(*) n, bool_or(coalesce(u.ord = any(stopped), false)) paused
            from unnest(p_run, p_next_of) with ordinality u(run_id, lane, ord)
            where u.lane is not null and u.ord = any(ok) group by 1, 2) w
      cross join lateral (
        select e.elem from pgflow.task e where e.run_id = w.run_id and e.lane = w.lane and e.elem > 0 and e.arrived < e.need
        order by e.elem limit w.n for update skip locked) e)
    update pgflow.task k set arrived = k.need, paused = k.paused or t.paused,
        ready_in = case when not (k.paused or t.paused) then k.queue end,
        rank = pgflow.rank_at(pgflow.clock(), 0), ready_at = greatest(pgflow.clock(), k.ready_at)
      from t where k.run_id = t.run_id and k.lane = t.lane and k.elem = t.elem;
    left_ready := left_ready or found;
  end if;
  if cardinality(array_remove(p_signal, null)) > 0 then
    update pgflow.task k set ready_in = case when not k.paused then k.queue end, due_at = null
      from unnest(p_run, p_lane, p_elem, p_signal) with ordinality w(run_id, lane, elem, signal, ord)
      where w.ord = any(ok) and k.run_id = w.run_id and k.lane = w.lane and k.elem = w.elem
        and exists (select from pgflow.signal g where g.run_id = w.run_id and g.name = w.signal);
    left_ready := left_ready or found;
  end if;
  -- parked again for a child that may have ended meanwhile
  if true = any(p_park) then
    update pgflow.task k set ready_in = case when not k.paused then k.queue end
      from unnest(p_run, p_lane, p_elem, p_park, p_wait_ms, p_signal) with ordinality w(run_id, lane, elem, park, wait_ms, signal, ord)
      where w.park and w.wait_ms is null and w.signal is null and w.ord <> all(c_ord) and w.ord = any(ok)
        and k.run_id = w.run_id and k.lane = w.lane and k.elem = w.elem
        and not exists (select from pgflow.run r where r.parent_run = w.run_id and r.parent_lane = w.lane and r.parent_elem = w.elem and r.state = 0);
    left_ready := left_ready or found;
  end if;
  if cardinality(c_ord) > 0 then
    with u as (
      select nextval('pgflow.run_id_seq') id, p_run[c.ord] parent, p_lane[c.ord] lane, p_elem[c.ord] elem,
             coalesce(c.ord = any(stopped), false) paused, c.*
      from unnest(c_ord, c_workflow, c_input, c_timeout_ms, c_node, c_queue, c_head) c(ord, workflow, input, timeout_ms, node, queue, head)
      where c.ord = any(ok)),
    made as (
      insert into pgflow.run (id, workflow_id, priority, deadline, input, trace, parent_run, parent_lane, parent_elem)
        select u.id, u.workflow, r.priority, pgflow.clock() + u.timeout_ms * interval '1 millisecond', u.input::jsonb, r.trace, u.parent, u.lane, u.elem
        from u join pgflow.run r on r.id = u.parent),
    halted as (
      insert into pgflow.pause (run_id, actor) select u.id, p.actor from u join pgflow.pause p on p.run_id = u.parent where u.paused)
    insert into pgflow.task (run_id, lane, elem, node, queue, epoch, ready_in, rank, paused)
      select u.id, u.node, 0, u.node, u.queue, 1, case when not u.paused then u.queue end, pgflow.rank_at(pgflow.clock(), u.head), u.paused from u;
    left_ready := true;
  end if;
  if cardinality(children) > 0 then
    perform pgflow.wake_parents_1(children);
    left_ready := true;
  end if;
  if cardinality(stopped) > 0 and true = any(p_end) then
    delete from pgflow.pause p using unnest(p_run, p_end) with ordinality u(run_id, ends, ord)
      where u.ends and u.ord = any(stopped) and p.run_id = u.run_id;
  end if;

  if true = any(p_start) then
    update pgflow.slot s set worker_id = null from unnest(p_run, p_run_pool, p_start) with ordinality u(run_id, pool, starts, ord)
      where u.starts and u.ord = any(ok) and s.pool = u.pool and s.run_id = u.run_id;
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
      from unnest(p_run, p_run_pool, p_start, p_epoch) with ordinality u(run_id, pool, starts, epoch, ord)
      where u.starts and u.ord <> all(coalesce(ok, '{}')) and s.pool = u.pool and s.run_id = u.run_id and s.epoch = u.epoch and s.worker_id = p_worker;
  end if;
  if true = any(p_end) then
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null
      from unnest(p_run, p_run_pool, p_end) with ordinality u(run_id, pool, ends, ord)
      where u.ends and u.ord = any(ok) and s.pool = u.pool and s.run_id = u.run_id and s.worker_id is null;
    left_ready := left_ready or found;
  end if;
  if cardinality(f_pool) > 0 then
    update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
      from unnest(f_pool, f_n, f_run, f_lane, f_elem, f_epoch) f(pool, n, run_id, lane, elem, epoch)
      where s.pool = f.pool and s.n = f.n and s.run_id = f.run_id and s.lane = f.lane and s.elem = f.elem and s.epoch = f.epoch
        and s.worker_id = p_worker;
    left_ready := left_ready or (found and exists (select from pgflow.task k where k.ready_in is not null));
  end if;
  if left_ready then perform pgflow.wake_1(); end if;
  return query select coalesce(ok, '{}'), coalesce(stopped, '{}'), null::bigint, null::smallint, null::int, null::int, pgflow.clock();
end $$;

-- Makes the tokens ready that wait for these runs, which have ended. It touches a token that does not wait as well, so that
-- whoever parks it now comes after this and sees the end.
create function pgflow.wake_parents_1(p_children bigint[]) returns void language sql as $$
  update pgflow.task k set ready_in = case
      when k.arrived = k.need and not k.paused and num_nonnulls(k.ready_in, k.due_at, k.worker_id) = 0 then k.queue
      else k.ready_in end
    from pgflow.run r where r.id = any(p_children) and k.run_id = r.parent_run and k.lane = r.parent_lane and k.elem = r.parent_elem;
$$;

-- Ends a run that does not complete, and the runs that it waits for. With p_worker: because of a token's last failure,
-- which must still be held. Answers false where the run had ended, the token was not held, or the deadline is not over: it
-- may have been moved since it was read.
--
-- A new token only ever comes from a transaction that removes or moves an older token of the same run, so each pass
-- waits for the flushes under way and the next one, with a younger snapshot, sees what they left; once a fresh snapshot
-- shows none there are none. Enders exclude each other by the advisory lock. Slots of steps that still run stay with
-- their worker until they really end; the run's own slot is freed.
--
-- Children go first, as a child's end takes its own tokens before its parent's; those that were begun meanwhile go last.
create or replace function pgflow.end_run_1(
  p_run bigint, p_state smallint, p_error text, p_step text, p_kind text, p_message text,
  p_worker int, p_lane smallint, p_elem int, p_epoch int, p_node smallint, p_number int, p_attempt smallint, p_status smallint,
  p_ready timestamptz, p_started timestamptz, p_attempt_output text, p_attempt_error text)
returns boolean language plpgsql as $$
#variable_conflict use_column
declare
  still_running boolean := false;
  gone bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  if p_state = 4 and exists (select from pgflow.run r where r.id = p_run
      and (r.deadline > pgflow.clock() + interval '1 second' or exists (select from pgflow.pause p where p.run_id = p_run))) then
    update pgflow.task k set epoch = k.epoch + 1, worker_id = null, started_at = null, ready_in = case when not k.paused then k.queue end
      where k.run_id = p_run and k.lane = p_lane and k.elem = p_elem and k.epoch = p_epoch and k.worker_id = p_worker;
    return false;
  end if;
  if p_worker is not null then
    delete from pgflow.task k where k.run_id = p_run and k.lane = p_lane and k.elem = p_elem and k.epoch = p_epoch and k.worker_id = p_worker;
    if not found then return false; end if;
    if p_status is not null then
      insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, output, error)
        values (p_run, p_node, p_number, p_attempt, p_status, p_worker, p_ready, p_started, greatest(pgflow.clock(), p_started),
                p_attempt_output::jsonb, p_attempt_error::jsonb);
    end if;
  end if;
  perform pgflow.end_children_1(p_run);
  loop
    -- tokens under way first, waiting joins last: the order in which a flush takes them
    with g as (delete from pgflow.task k where k.run_id = p_run and k.arrived = k.need returning k.*),
    noted as (
      insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at)
        select g.run_id, g.node, greatest(g.elem, 0), g.attempt, 6, g.worker_id, g.ready_at, g.started_at, greatest(pgflow.clock(), g.started_at)
        from g join pgflow.queue q on q.id = g.queue where g.worker_id is not null and not q.control on conflict do nothing)
    select count(*), still_running or coalesce(bool_or(g.worker_id is not null), false) into gone, still_running from g;
    delete from pgflow.task k where k.run_id = p_run and k.arrived < k.need;
    exit when not exists (select from pgflow.task k where k.run_id = p_run);
  end loop;
  perform pgflow.end_children_1(p_run);
  update pgflow.run r set state = p_state, ended_at = greatest(pgflow.clock(), r.created_at), error = p_error::jsonb
    where r.id = p_run and r.state = 0;
  if not found then return false; end if;
  insert into pgflow.failure (run_id, workflow, step, kind, message, at)
    select r.id, w.name, p_step, p_kind, left(p_message, 2000), r.ended_at
    from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = p_run;
  delete from pgflow.pause p where p.run_id = p_run;
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null where s.run_id = p_run and s.worker_id is null;
  if found then perform pgflow.wake_1(); end if;
  if exists (select from pgflow.run r where r.id = p_run and r.parent_run is not null) then
    perform pgflow.wake_parents_1(array[p_run]);
    perform pgflow.wake_1();
  end if;
  if still_running then perform pg_notify('pgflow_cancel', p_run::text); end if;
  return true;
end $$;

-- Ends the live children of a run.
create function pgflow.end_children_1(p_run bigint) returns void language plpgsql as $$
declare
  child bigint;
begin
  for child in select r.id from pgflow.run r where r.parent_run = p_run and r.state = 0 order by r.id loop
    perform pgflow.end_run_1(child, 3::smallint,
      jsonb_build_object('step', 'body', 'kind', 'cancelled', 'message', 'the run that waited for this one has ended', 'retryable', false)::text,
      'body', 'cancelled', 'the run that waited for this one has ended',
      null, null, null, null, null, null, null, null, null, null, null, null);
  end loop;
end $$;

-- Gives tokens back unharmed: on drain, or when a claimed token cannot be served now.
create or replace function pgflow.hand_back_1(
  p_worker int, p_run bigint[], p_lane smallint[], p_elem int[], p_epoch int[], p_wait_ms bigint,
  f_pool int[], f_n int[], f_run bigint[], f_lane smallint[], f_elem int[], f_epoch int[])
returns int language plpgsql as $$
declare
  n int;
begin
  update pgflow.task k set epoch = k.epoch + 1, worker_id = null, started_at = null,
      ready_in = case when p_wait_ms is null and not k.paused then k.queue end,
      due_at   = pgflow.clock() + p_wait_ms * interval '1 millisecond'
    from unnest(p_run, p_lane, p_elem, p_epoch) u(run_id, lane, elem, epoch)
    where k.run_id = u.run_id and k.lane = u.lane and k.elem = u.elem and k.epoch = u.epoch and k.worker_id = p_worker;
  get diagnostics n = row_count;
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null
    from unnest(f_pool, f_n, f_run, f_lane, f_elem, f_epoch) f(pool, n, run_id, lane, elem, epoch)
    where s.pool = f.pool and s.n = f.n and s.run_id = f.run_id and s.lane = f.lane and s.elem = f.elem and s.epoch = f.epoch
      and s.worker_id = p_worker;
  perform pgflow.wake_1();
  return n;
end $$;

-- Takes over what dead workers held. Only readiness changes here: whoever claims a token with too many losses routes it.
-- Only steps have attempts: pure code at a map (its list, its gather) stands on a control queue, and a row of it would be
-- read as an element.
-- Rows of the dead stay for ten minutes, longer than any statement may take, and are swept again: a flush that was
-- under way when the lease ran out may still have made tokens for its worker.
create or replace function pgflow.recover_1() returns int language plpgsql as $$
#variable_conflict use_column
declare
  dead int[];
  n int := 0;
begin
  select array_agg(w.id) into dead
    from (select id from pgflow.worker where lease_until < pgflow.clock() order by id for update skip locked) w;
  if dead is null then return 0; end if;
  with lost as (
    select k.run_id, k.lane, k.elem, k.ready_at, k.started_at, k.attempt, k.worker_id from pgflow.task k
      where k.worker_id = any(dead) order by 1, 2, 3 for update skip locked),
  back as (
    update pgflow.task k set epoch = k.epoch + 1, attempt = k.attempt + 1, losses = k.losses + 1, worker_id = null, started_at = null,
      ready_in = case when not k.paused then k.queue end, ready_at = greatest(pgflow.clock(), k.ready_at)
    from lost l where k.run_id = l.run_id and k.lane = l.lane and k.elem = l.elem
    returning k.run_id, k.node, k.elem, k.queue, l.attempt, l.worker_id, l.ready_at, l.started_at),
  noted as (
    insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, error)
      select b.run_id, b.node, greatest(b.elem, 0), b.attempt, 4, b.worker_id, b.ready_at, b.started_at, greatest(pgflow.clock(), b.started_at),
             jsonb_build_object('step', '', 'kind', 'lost', 'message', 'the worker''s lease ran out')
      from back b join pgflow.queue q on q.id = b.queue where not q.control on conflict do nothing)
  select count(*) into n from back;
  -- a slot that its run holds has no worker and stays
  update pgflow.slot s set run_id = null, lane = null, elem = null, epoch = null, worker_id = null where s.worker_id = any(dead);
  delete from pgflow.worker w where w.id = any(dead) and w.lease_until < pgflow.clock() - interval '10 minutes'
    and not exists (select from pgflow.task k where k.worker_id = w.id);
  if n > 0 then perform pgflow.wake_1(); end if;
  return n;
end $$;

-- Upkeep, by any worker, every few seconds: takes over from the dead, wakes sleepers, finds overdue runs, and answers
-- whether something is ready for the caller and when the next thing is due.
create or replace function pgflow.tick_1(p_queues int[])
returns table (recovered int, woken int, overdue bigint[], work boolean, next_ms bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_recovered int;
  v_woken int;
  v_overdue bigint[];
  since timestamptz;
begin
  v_recovered := pgflow.recover_1();
  update pgflow.task k set ready_in = case when not k.paused then k.queue end, due_at = null, ready_at = greatest(pgflow.clock(), k.ready_at)
    where (k.run_id, k.lane, k.elem) in (
      select d.run_id, d.lane, d.elem from pgflow.task d where d.due_at <= pgflow.clock() order by d.due_at limit 1000 for update skip locked);
  get diagnostics v_woken = row_count;
  if v_woken > 0 then perform pgflow.wake_1(); end if;
  select m.deadline_cursor into since from pgflow.meta m;
  select array_agg(o.id) into v_overdue from (
    select r.id from pgflow.run r where r.deadline > since and r.deadline <= pgflow.clock() and r.state = 0
      and not exists (select from pgflow.pause p where p.run_id = r.id) order by r.deadline limit 100) o;
  -- the cursor trails by 10 s and moves only over runs that have ended; a start that commits later than that is ended
  -- by whoever claims it
  if v_overdue is null and since < pgflow.clock() - interval '20 seconds' then
    update pgflow.meta m set deadline_cursor = pgflow.clock() - interval '10 seconds' where m.deadline_cursor = since;
  end if;
  return query select v_recovered, v_woken, coalesce(v_overdue, '{}'),
    exists (select from unnest(p_queues) q(queue) cross join lateral (select 1 from pgflow.task k where k.ready_in = q.queue limit 1) k),
    (select (extract(epoch from least(
       (select min(k.due_at) from pgflow.task k where k.due_at is not null),
       (select case when min(s.free_at) is not null then greatest(min(s.free_at), pgflow.clock() + interval '20 milliseconds') end from pgflow.slot s where s.free_at > pgflow.clock()
          and exists (select from pgflow.task k where k.ready_in is not null))) - pgflow.clock()) * 1000)::bigint);
end $$;

-- Acting on runs ------------------------------------------------------------------------------------------------------

-- Sends a signal. It is kept whether or not somebody waits; the first of a name wins. Answers what became of it:
-- sent, same (sent before with an equal payload), other (sent before with another one), ended, unknown (no such run), or
-- nobody (the workflow waits for no signal of this name).
create function pgflow.signal_1(p_run bigint, p_name text, p_payload text, p_actor text) returns text language plpgsql as $$
declare
  live boolean;
  nodes smallint[];
  held jsonb;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  select r.state = 0, array(
      select n.number from jsonb_array_elements(w.definition -> 'nodes') d
      join pgflow.node n on n.workflow = w.name and n.id = d ->> 'id' where d ->> 'signal' = p_name)
    into live, nodes from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = p_run;
  if live is null then return 'unknown'; end if;
  if cardinality(nodes) = 0 then return 'nobody'; end if;
  select g.payload into held from pgflow.signal g where g.run_id = p_run and g.name = p_name;
  if found then return case when held = p_payload::jsonb then 'same' else 'other' end; end if;
  if not live then return 'ended'; end if;
  insert into pgflow.signal (run_id, name, payload, actor) values (p_run, p_name, p_payload::jsonb, p_actor);
  update pgflow.task k set ready_in = case when not k.paused then k.queue end, due_at = null, ready_at = greatest(pgflow.clock(), k.ready_at)
    from pgflow.queue q where k.run_id = p_run and k.node = any(nodes) and q.id = k.queue and not q.control
      and k.arrived = k.need and num_nonnulls(k.ready_in, k.worker_id) = 0;
  if found then perform pgflow.wake_1(); end if;
  return 'sent';
end $$;

-- Lets a run and its children stand still: attempts under way finish, nothing else begins, its deadline waits. Answers
-- paused, same (it was already), ended, or unknown.
--
-- New tokens inherit the mark from those that make them, so once a fresh snapshot shows no token without it there is none;
-- joins and elements that wait get it with their next arrival.
create function pgflow.pause_1(p_run bigint, p_actor text) returns text language plpgsql as $$
declare
  live boolean;
  child bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  select r.state = 0 into live from pgflow.run r where r.id = p_run;
  if live is null then return 'unknown'; end if;
  if not live then return 'ended'; end if;
  insert into pgflow.pause (run_id, actor) values (p_run, p_actor) on conflict do nothing;
  if not found then return 'same'; end if;
  loop
    update pgflow.task k set paused = true, ready_in = null where k.run_id = p_run and not k.paused and k.arrived = k.need;
    exit when not exists (select from pgflow.task k where k.run_id = p_run and not k.paused and k.arrived = k.need);
  end loop;
  -- what was waited for may have been its end
  delete from pgflow.pause p using pgflow.run r where p.run_id = p_run and r.id = p_run and r.state <> 0;
  if found then return 'ended'; end if;
  for child in select r.id from pgflow.run r where r.parent_run = p_run and r.state = 0 order by r.id loop
    perform pgflow.pause_1(child, p_actor);
  end loop;
  return 'paused';
end $$;

-- Lets a paused run go on; its deadline moves by the pause. What waited for a signal or a child looks again. Answers
-- resumed, same (it was not paused), ended, or unknown. It looks until a fresh snapshot shows no mark, like pause_1: a flush
-- under way hands it on to tokens that the first look does not see.
create function pgflow.resume_1(p_run bigint) returns text language plpgsql as $$
declare
  live boolean;
  since timestamptz;
  child bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  select r.state = 0 into live from pgflow.run r where r.id = p_run;
  if live is null then return 'unknown'; end if;
  if not live then return 'ended'; end if;
  delete from pgflow.pause p where p.run_id = p_run returning p.at into since;
  if not found then return 'same'; end if;
  update pgflow.run r set deadline = r.deadline + (pgflow.clock() - since) where r.id = p_run and r.deadline is not null;
  loop
    update pgflow.task k set paused = false,
        ready_in = case when k.arrived = k.need and k.due_at is null and k.worker_id is null then k.queue end,
        ready_at = case when k.worker_id is null then greatest(pgflow.clock(), k.ready_at) else k.ready_at end
      where k.run_id = p_run and k.paused;
    exit when not exists (select from pgflow.task k where k.run_id = p_run and k.paused);
  end loop;
  for child in select r.id from pgflow.run r where r.parent_run = p_run and r.state = 0 order by r.id loop
    perform pgflow.resume_1(child);
  end loop;
  perform pgflow.wake_1();
  return 'resumed';
end $$;

-- A new run that goes on where another one ended: with the results of p_whole, and of p_partly those elements that succeeded. Its
-- tokens are t_*. Answers made, same (the run that repeats it already), live, child (its parent is to be repeated), full
-- (the workflow's concurrency is used up), or unknown.
create function pgflow.repeat_1(
  p_run bigint, p_input text, p_whole smallint[], p_partly smallint[],
  t_lane smallint[], t_elem int[], t_queue int[], t_need int[], t_arrived int[])
returns table (answer text, run_id bigint) language plpgsql as $$
#variable_conflict use_column
declare
  old pgflow.run;
  fresh bigint;
  place record;
begin
  perform pg_advisory_xact_lock(hashtextextended('pgflow.run.' || p_run, 0));
  select r.* into old from pgflow.run r where r.id = p_run;
  if old.id is null then return query select 'unknown', null::bigint; return; end if;
  select r.id into fresh from pgflow.run r where r.origin = p_run order by r.id desc limit 1;
  if fresh is not null then return query select 'same', fresh; return; end if;
  if old.state = 0 then return query select 'live', p_run; return; end if;
  if old.parent_run is not null then return query select 'child', old.parent_run; return; end if;
  fresh := nextval('pgflow.run_id_seq');
  for place in select p.id from pgflow.pool p join pgflow.workflow w on p.name = 'workflow:' || w.name where w.id = old.workflow_id loop
    update pgflow.slot s set run_id = fresh, lane = 0, elem = 0, epoch = 1
      where (s.pool, s.n) in (
        select f.pool, f.n from pgflow.slot f join pgflow.pool p on p.id = f.pool
        where f.pool = place.id and f.run_id is null and f.n <= coalesce(p.override, p.declared) order by f.n limit 1 for update of f skip locked);
    if not found then return query select 'full', null::bigint; return; end if;
  end loop;
  insert into pgflow.run (id, workflow_id, priority, deadline, input, trace, origin)
    values (fresh, old.workflow_id, old.priority, pgflow.clock() + (old.deadline - old.created_at), coalesce(p_input::jsonb, old.input), old.trace, p_run);
  insert into pgflow.attempt (run_id, node, elem, attempt, status, worker_id, ready_at, started_at, ended_at, output, error)
    select distinct on (a.node, a.elem) fresh, a.node, a.elem, a.attempt, 7, a.worker_id, a.ready_at, a.started_at, a.ended_at, a.output, a.error
    from pgflow.attempt a
    where a.run_id = p_run and (a.node = any(p_whole) or (a.node = any(p_partly) and a.elem > 0 and a.output is not null))
    order by a.node, a.elem, a.attempt desc;
  insert into pgflow.signal (run_id, name, payload, actor, at)
    select fresh, g.name, g.payload, g.actor, g.at from pgflow.signal g where g.run_id = p_run;
  insert into pgflow.task (run_id, lane, elem, node, queue, epoch, need, arrived, ready_in, rank)
    select fresh, t.lane, t.elem, t.lane, t.queue, 1, t.need, t.arrived, case when t.need = t.arrived then t.queue end, pgflow.rank_at(pgflow.clock(), 0)
    from unnest(t_lane, t_elem, t_queue, t_need, t_arrived) t(lane, elem, queue, need, arrived);
  update pgflow.run_key k set run_id = fresh where k.run_id = p_run;
  perform pgflow.wake_1();
  return query select 'made', fresh;
end $$;
