-- Called by a worker that has room, for one queue with limits. Locks slots by pool, then a token, one after the other.
select c.*, r.trace from pgflow.claim_limited_1($1, $2, $3, $4, $5, $6, $7, $8) c join pgflow.run r on r.id = c.run_id order by c.rank
