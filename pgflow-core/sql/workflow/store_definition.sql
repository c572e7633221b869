-- Called at registration, under the advisory lock of the workflow's name. Tuning of a stored version is updated, its
-- shape never is: the caller compares fingerprints.
with stored as (
  insert into pgflow.workflow as w (name, version, fingerprint, definition) values ($1, $2, $3, $4::jsonb)
  on conflict (name, version) do update
  set definition = case when w.fingerprint = excluded.fingerprint then excluded.definition else w.definition end
  returning id, fingerprint, definition::text as definition)
select id, fingerprint, definition, not exists (select from pgflow.workflow where name = $1 and version > $2) as newest from stored
