-- Called before a queue is read. $1: its table. `there`: it exists; `tells`: inserts are notified; `can`: they could be.
select to_regclass($1) is not null as there,
       exists (select from pg_trigger t where t.tgrelid = to_regclass($1) and t.tgname like 'trigger_notify_queue_insert%') as tells,
       exists (select from pg_proc p join pg_namespace n on n.oid = p.pronamespace
               where n.nspname = 'pgmq' and p.proname = 'enable_notify_insert') as can
