-- Results of steps that serve equal arguments.

create table pgflow.cache (
  key        bytea primary key,                    -- SHA-256 of step, revision and arguments
  step       text not null,
  value      jsonb,                                -- null while somebody computes it
  expires_at timestamptz,
  run_id     bigint,                               -- the token that computes it
  lane       smallint,
  elem       int,
  epoch      int,
  worker_id  int
);
create index cache_expires on pgflow.cache (expires_at) where expires_at is not null;

-- Looks for a result; answers found, wait (a token that is still held computes it), or compute: the caller does.
create function pgflow.look_up_1(p_key bytea, p_step text, p_run bigint, p_lane smallint, p_elem int, p_epoch int, p_worker int)
returns table (answer text, value text) language plpgsql as $$
#variable_conflict use_column
declare
  row pgflow.cache;
begin
  insert into pgflow.cache (key, step, run_id, lane, elem, epoch, worker_id)
    values (p_key, p_step, p_run, p_lane, p_elem, p_epoch, p_worker) on conflict do nothing;
  if found then return query select 'compute', null::text; return; end if;
  select c.* into row from pgflow.cache c where c.key = p_key for update;
  if row.value is not null and row.expires_at > pgflow.clock() then
    return query select 'found', row.value::text;
    return;
  end if;
  if row.value is null and exists (
      select from pgflow.task k join pgflow.worker w on w.id = k.worker_id
      where k.run_id = row.run_id and k.lane = row.lane and k.elem = row.elem and k.epoch = row.epoch and k.worker_id = row.worker_id
        and w.lease_until > pgflow.clock() and (k.run_id, k.lane, k.elem) is distinct from (p_run, p_lane, p_elem)) then
    return query select 'wait', null::text;
    return;
  end if;
  update pgflow.cache c set value = null, expires_at = null, run_id = p_run, lane = p_lane, elem = p_elem, epoch = p_epoch, worker_id = p_worker
    where c.key = p_key;
  return query select 'compute', null::text;
end $$;
