-- Called with the heartbeat for tokens that have run for longer than a beat. Takes no locks.
select u.run_id, u.lane, u.elem, u.epoch
from unnest($2::bigint[], $3::smallint[], $4::int[], $5::int[]) u(run_id, lane, elem, epoch)
where not exists (
  select from pgflow.task k
  where k.run_id = u.run_id and k.lane = u.lane and k.elem = u.elem and k.epoch = u.epoch and k.worker_id = $1)
