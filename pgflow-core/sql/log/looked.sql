-- Called with the heartbeat of workers that have log lines. Takes no locks.
select k.run_id from pgflow.look k where k.until_at > pgflow.clock() limit 1000
