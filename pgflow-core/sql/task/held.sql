-- Called by a session after a commit in doubt, while it writes nothing. Takes no locks; reads all of two small tables.
select k.run_id, k.lane, k.elem, k.epoch,
  array(select s.pool from pgflow.slot s where s.worker_id = $1 and s.run_id = k.run_id and s.epoch = k.epoch
        and s.lane = k.lane and s.elem = k.elem order by s.pool, s.n) as pools,
  array(select s.n from pgflow.slot s where s.worker_id = $1 and s.run_id = k.run_id and s.epoch = k.epoch
        and s.lane = k.lane and s.elem = k.elem order by s.pool, s.n) as ns
from pgflow.task k where k.worker_id = $1
