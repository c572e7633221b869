-- Called by clients. Takes the locks of pause_1: of the run and its children, then their tokens. It is done and written down, or neither.
with done as materialized (select pgflow.pause_1($1, $2) as answer),
noted as (
  insert into pgflow.audit (actor, action, run_id) select $2, 'pause', $1 from done d where d.answer = 'paused')
select d.answer from done d
