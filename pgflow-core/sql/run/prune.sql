-- Called by the schema's owner. Takes the locks of the runs that it removes. They are removed and written down, or neither.
with done as materialized (select pgflow.prune_1($1, $2) as removed),
noted as (
  insert into pgflow.audit (actor, action, detail)
  select $3::text, 'prune', jsonb_build_object('removed', d.removed, 'older_than_s', $1 / 1000) from done d where d.removed > 0)
select d.removed from done d
