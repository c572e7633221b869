-- Called by clients. Takes the runs' advisory locks, and their tokens as far as nobody else has them.
select run_id, answer from pgflow.migrate_1($1, $2, $3, $4, $5, $6, $7, $8, $9)
