-- Called by clients. Takes no locks.
select m.state, m.enqueued_at, m.reads, m.visible_at, m.workflow, m.run_id, m.run_state, m.problem
from pgflow.message_1($1, $2) m limit 1
