-- Called with queues.sql: the alerts that are open. Takes no locks; reads an index of the open ones.
select a.kind, a.subject, a.detail, a.raised_at from pgflow.alert a where a.cleared_at is null order by a.raised_at, a.id
