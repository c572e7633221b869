-- Called by clients. Takes the locks of end_run_1: of the run, then its tokens, its row and its slots. It is done and written down, or neither.
with done as materialized (
  select pgflow.end_run_1($1, $2, $3, $4, $5, $6, null, null, null, null, null, null, null, null, null, null, null, null) as ended),
noted as (
  insert into pgflow.audit (actor, action, run_id) select $7::text, 'cancel', $1 from done d where d.ended)
select d.ended from done d
