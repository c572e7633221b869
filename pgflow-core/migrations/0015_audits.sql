-- What people did, for who sees the views alone; and what became of a message, in words.

-- Who did what to which run, or to none of them: `prune`. In no detail stands a payload.
create view pgflow.audits as
select a.id, a.at, a.actor, a.action, a.run_id, a.detail from pgflow.audit a;

-- The same as message_1, with the state of the run as a word.
create function pgflow.message_2(p_queue text, p_msg_id bigint)
returns table (state text, enqueued_at timestamptz, reads int, visible_at timestamptz, workflow text, run_id bigint, run_state text, problem text)
language sql stable as $$
  select m.state, m.enqueued_at, m.reads, m.visible_at, m.workflow, m.run_id,
         (array['live', 'completed', 'failed', 'cancelled', 'timed_out'])[m.run_state + 1], m.problem
  from pgflow.message_1(p_queue, p_msg_id) m
$$;
