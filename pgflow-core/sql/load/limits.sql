-- Called with queues.sql: what limits allow, and how much of it is held. Takes no locks; reads a row per slot.
select l.name, l.size, l.held, l.source from pgflow.limits l order by l.name
