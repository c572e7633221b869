-- What somebody should hear of.

create table pgflow.alert (                        -- raised once, cleared once
  id         bigint generated always as identity primary key,
  kind       text not null,
  subject    text not null,                        -- a run, a step of a workflow, a workflow
  detail     text not null,
  raised_at  timestamptz not null default pgflow.clock(),
  cleared_at timestamptz,
  check (cleared_at >= raised_at)
);
create unique index alert_open on pgflow.alert (kind, subject) where cleared_at is null;

alter table pgflow.meta add column alerts_at timestamptz not null default '-infinity';

-- Raises and clears, by whichever worker comes first in each interval, and answers what it raised and cleared. Of each
-- queue the first thousand tokens are looked at, of live runs the thousand oldest tokens.
create function pgflow.watch_1(p_every_ms bigint, p_queue_ms bigint, p_short_ms bigint, p_run_ms bigint, p_failed_of_100 int, p_failed_least int, p_failed_ms bigint)
returns table (kind text, subject text, detail text, cleared boolean)
language plpgsql rows 10 as $$
#variable_conflict use_column
begin
  update pgflow.meta m set alerts_at = pgflow.clock() where m.alerts_at <= pgflow.clock() - p_every_ms * interval '1 millisecond';
  if not found then return; end if;
  return query
  with waiting as materialized (
    select w.id as workflow_id, w.name, w.version, d.step, q.control, d.node, d.options, t.ready, pgflow.clock() - t.oldest as age
    from pgflow.queue q
    cross join lateral (
      select count(*) as ready, min(k.ready_at) as oldest
      from (select k.ready_at from pgflow.task k where k.ready_in = q.id order by k.rank limit 1000) k) t
    join pgflow.workflow w on w.id = q.workflow_id
    left join pgflow.node n on n.workflow = w.name and n.number = q.node
    left join lateral (
      select e ->> 'step' as step, e -> 'options' as options, n.id as node
      from jsonb_array_elements(w.definition -> 'nodes') e where e ->> 'id' = n.id) d on true
    where t.ready > 0),
  served as (
    select w.*, s.any, s.refusal from waiting w
    cross join lateral (
      select count(*) > 0 as any, case when bool_and(r.why is not null) then min(r.why) end as refusal
      from pgflow.worker k
      left join lateral (
        select e ->> 'why' as why from jsonb_array_elements(k.offers -> 'refuses') e where not w.control and e ->> 'step' = w.step limit 1) r on true
      where k.lease_until > pgflow.clock() and k.offers -> 'serves' ? (w.name || '@' || w.version)) s),
  stuck as (
    select s.*, case
        when not s.any or s.refusal is not null then 'unserved'
        when s.options ?| array['gpu', 'memory_bytes', 'cpu_milli'] and s.age > p_short_ms * interval '1 millisecond' then 'resources_short'
        when s.age > p_queue_ms * interval '1 millisecond' then 'queue_old' end as kind
    from served s),
  ended as (
    select e.name, sum(e.completed) as completed, sum(e.failed) as failed from (
      select w.name, s.completed, 0 as failed from pgflow.stats s join pgflow.workflow w on w.id = s.workflow_id
        where s.node = -1 and s.minute > pgflow.clock() - p_failed_ms * interval '1 millisecond'
      union all
      select f.workflow, 0, 1 from pgflow.failure f
        where f.at > pgflow.clock() - p_failed_ms * interval '1 millisecond' and f.kind <> 'cancelled') e
    group by e.name),
  late as (
    select distinct r.id, r.workflow_id, r.created_at
    from (select k.run_id from pgflow.task k order by k.run_id, k.lane, k.elem limit 1000) t
    join pgflow.run r on r.id = t.run_id
    where r.state = 0 and r.created_at < pgflow.clock() - p_run_ms * interval '1 millisecond'),
  now as (
    select s.kind, s.name || '@' || s.version || coalesce(' ' || s.node, '') as subject,
           case s.kind
             when 'unserved' then coalesce(s.refusal, 'no live worker serves it')
             else s.ready || ' ready, the oldest for ' || date_trunc('second', s.age) end as detail
      from stuck s where s.kind is not null
    union
    select 'failing', e.name, e.failed || ' of the last ' || e.completed + e.failed || ' runs did not complete'
      from ended e where e.completed + e.failed >= p_failed_least and e.failed * 100 >= (e.completed + e.failed) * p_failed_of_100
    union
    select 'run_long', 'run ' || l.id, w.name || '@' || w.version || ' runs for ' || date_trunc('second', pgflow.clock() - l.created_at)
      from late l join pgflow.workflow w on w.id = l.workflow_id),
  one as (select n.kind, n.subject, min(n.detail) as detail from now n group by 1, 2),
  raised as (
    insert into pgflow.alert (kind, subject, detail) select o.kind, o.subject, o.detail from one o
    on conflict (kind, subject) where cleared_at is null do nothing
    returning kind, subject, detail),
  cleared as (
    update pgflow.alert a set cleared_at = greatest(pgflow.clock(), a.raised_at)
    where a.cleared_at is null and not exists (select from one o where o.kind = a.kind and o.subject = a.subject)
    returning a.kind, a.subject, a.detail)
  select r.kind, r.subject, r.detail, false from raised r
  union all
  select c.kind, c.subject, c.detail, true from cleared c;
end $$;

create view pgflow.alerts as
select a.id, a.kind, a.subject, a.detail, a.raised_at, a.cleared_at, a.cleared_at is null as open from pgflow.alert a;
