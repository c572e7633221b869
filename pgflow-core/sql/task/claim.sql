-- Called by a worker that has room. Locks what it hands out, and passes over what others have locked.
select c.*, r.trace from pgflow.claim_1($1, $2, $3, $4) c join pgflow.run r on r.id = c.run_id order by c.rank
