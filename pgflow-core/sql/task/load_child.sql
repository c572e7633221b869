-- Called by the worker that a parked token wakes. Takes no locks. The newest: one token may have waited for several.
select r.state, r.output::text as output, r.error::text as error from pgflow.run r
where r.parent_run = $1 and r.parent_lane = $2 and r.parent_elem = $3 order by r.id desc limit 1
