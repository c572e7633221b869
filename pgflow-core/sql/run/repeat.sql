-- Called by clients. Takes the run's advisory lock; its tokens are gone.
select answer, run_id from pgflow.repeat_1($1, $2, $3, $4, $5, $6, $7, $8, $9)
