-- Called at registration, under the advisory lock of the workflow's name. Numbers are kept over versions.
with fresh as (
  insert into pgflow.node (workflow, number, id)
  select $1, (coalesce((select max(number) from pgflow.node where workflow = $1), 0) + row_number() over (order by w.ord))::smallint, w.id
  from unnest($2::text[]) with ordinality w(id, ord)
  where not exists (select from pgflow.node n where n.workflow = $1 and n.id = w.id)
  returning id, number)
select id, number from fresh
union all
select n.id, n.number from pgflow.node n where n.workflow = $1 and n.id = any($2)
