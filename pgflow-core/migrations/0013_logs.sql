-- The last log lines of attempts that failed, or whose run somebody looks at.

create table pgflow.log (                          -- one row per attempt; the whole of it is replaced
  run_id  bigint not null,
  node    smallint not null,
  elem    int not null,                            -- 0, or 1.. for the elements of a map
  attempt smallint not null check (attempt > 0),
  epoch   int not null,                            -- of the token: a task that was handed back is the same attempt again
  said    bigint not null check (said >= 0),       -- lines in all, of which the last are kept
  lines   text not null check (octet_length(lines) <= 8192),
  at      timestamptz not null,
  primary key (run_id, node, elem, attempt)
) with (fillfactor = 50);

create table pgflow.look (                         -- runs whose lines workers write down with their heartbeat
  run_id   bigint primary key,
  until_at timestamptz not null
) with (fillfactor = 50);

create view pgflow.logs as
select l.run_id, n.id as node, nullif(l.elem, 0) - 1 as element, l.attempt, l.said, l.lines, l.at
from pgflow.log l
join pgflow.run r on r.id = l.run_id
join pgflow.workflow w on w.id = r.workflow_id
join pgflow.node n on n.workflow = w.name and n.number = l.node;

-- Removes log lines with their runs too.
create or replace function pgflow.prune_1(p_older_ms bigint, p_most int) returns int language plpgsql as $$
declare
  ids bigint[];
begin
  delete from pgflow.message m where (m.queue, m.msg_id, m.enqueued_at) in (
    select o.queue, o.msg_id, o.enqueued_at from pgflow.message o
    where o.problem is not null and o.at < pgflow.clock() - p_older_ms * interval '1 millisecond' limit p_most);
  select array_agg(o.id) into ids from (
    select r.id from pgflow.run r
    where r.state <> 0 and r.ended_at < pgflow.clock() - p_older_ms * interval '1 millisecond'
      and not exists (select from pgflow.run p where p.id = r.parent_run and p.state = 0)
    order by r.id limit p_most for update skip locked) o;
  if ids is null then return 0; end if;
  delete from pgflow.attempt a where a.run_id = any(ids);
  delete from pgflow.progress p where p.run_id = any(ids);
  delete from pgflow.log l where l.run_id = any(ids);
  delete from pgflow.look k where k.run_id = any(ids);
  delete from pgflow.signal g where g.run_id = any(ids);
  delete from pgflow.failure f where f.run_id = any(ids);
  delete from pgflow.message m using pgflow.run_key k where k.run_id = any(ids) and m.workflow = k.workflow and m.key = k.key;
  delete from pgflow.run_key k where k.run_id = any(ids);
  delete from pgflow.run r where r.id = any(ids);
  return cardinality(ids);
end $$;
