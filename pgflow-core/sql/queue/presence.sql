-- Called before a queue is made. `here`: PGMQ can be called; `offered`: the server has its extension, not created yet.
select to_regnamespace('pgmq') is not null as here,
       exists (select from pg_available_extensions e where e.name = 'pgmq') as offered
