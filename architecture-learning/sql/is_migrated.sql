-- Called when a registry is opened. The migration is one transaction, so its last table tells of all of it; asked first
-- because `create schema if not exists` wants a right that a mere user of the registry may not have.
select to_regclass('architecture_learning.champion') is not null
