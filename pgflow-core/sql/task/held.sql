-- Called by a flusher after a commit in doubt. Takes no locks.
select k.run_id, k.lane, k.elem, k.epoch
from unnest($2::bigint[], $3::smallint[], $4::int[]) u(run_id, lane, elem)
join pgflow.task k on k.run_id = u.run_id and k.lane = u.lane and k.elem = u.elem
where k.worker_id = $1
