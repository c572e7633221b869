-- Called by clients. Takes the locks of resume_1: of the run and its children, then their tokens. It is done and written down, or neither.
with done as materialized (select pgflow.resume_1($1) as answer),
noted as (
  insert into pgflow.audit (actor, action, run_id) select $2::text, 'resume', $1 from done d where d.answer = 'resumed')
select d.answer from done d
