-- Called by the worker of a caching step that has its result. Takes the row's lock.
update pgflow.cache set value = $2::jsonb, expires_at = pgflow.clock() + $3 * interval '1 millisecond', worker_id = null
where key = $1 and value is null and run_id = $4 and lane = $5 and elem = $6 and epoch = $7 and worker_id = $8
