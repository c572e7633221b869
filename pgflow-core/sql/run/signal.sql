-- Called by clients. Takes the locks of signal_1: of the run, then of the tokens that wait. It is done and written down, or neither.
with done as materialized (select pgflow.signal_1($1, $2, $3, $4) as answer),
noted as (
  insert into pgflow.audit (actor, action, run_id, detail)
  select $4, 'signal', $1, jsonb_build_object('signal', $2) from done d where d.answer = 'sent')
select d.answer from done d
