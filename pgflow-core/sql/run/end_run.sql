-- Called by workers for a last failure or a passed deadline, and by clients to cancel. Takes the run's advisory lock,
-- then its tokens, the run row and its slots.
select pgflow.end_run_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
