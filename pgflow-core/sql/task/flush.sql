-- Called by the worker's flushers with a batch of settled tokens. Locks the tokens by key, then the joins that they
-- reach, then slots; see the function for why that is safe.
-- Of the maps in $53, $54 it says which had elements that waited for others before the function ran. Those wait longest
-- that count highest, so the search begins there: it is one row where some wait, and all that are left where none does.
-- $55 is the path of the host whose transaction this is, to be set again after the function.
select taken, halted, run_id, lane, elem, epoch, at,
  case when taken is not null then array(
    select coalesce((select true from pgflow.task e
                       where e.run_id = m.run_id and e.lane = m.lane and e.elem > 0 and e.arrived < e.need
                       order by e.elem desc limit 1), false)
      from unnest($53::bigint[], $54::smallint[]) with ordinality m(run_id, lane, ord) order by m.ord) end as waited,
  case when taken is not null and $55::text is not null then pg_catalog.set_config('search_path', $55, true) end as restored
from pgflow.flush_2($1,
  $2, $3, $4, $5,
  $6, $7, $8, $9, $10, $11, $12, $13,
  $14, $15, $16, $17, $18, $19, $20, $21,
  $22, $23, $24, $25,
  $26, $27, $28, $29, $30,
  $31, $32, $33, $34, $35, $36, $37,
  $38, $39, $40, $41, $42, $43, $44, $45,
  $46, $47, $48, $49, $50, $51, $52)
