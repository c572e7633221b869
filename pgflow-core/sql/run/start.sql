-- Called by whoever starts runs in code. Takes the locks of start_1: of keys.
select s.run_id, s.fresh, s.same_input from pgflow.start_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) s
