-- Called by people who start runs. Takes the locks of start_1: of keys. They are started and written down, or neither.
with done as materialized (
  select s.run_id, s.fresh, s.same_input from pgflow.start_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) s),
noted as (
  insert into pgflow.audit (actor, action, run_id) select $14::text, 'start', d.run_id from done d where d.fresh)
select d.run_id, d.fresh, d.same_input from done d
