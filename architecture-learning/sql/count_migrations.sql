-- Called when a registry is opened: how many migrations it has seen. Each is one transaction, so its last change tells of
-- all of it; asked first because `create schema if not exists` wants a right that a mere user of the registry may not have.
select case
    when to_regclass('architecture_learning.champion') is null then 0
    when exists (
        select from pg_catalog.pg_constraint
        where conrelid = to_regclass('architecture_learning.model')
          and pg_catalog.pg_get_constraintdef(oid) like '%ensemble%'
    ) then 2
    else 1
end
