-- Called by clients: all that is stored of a run, as one object. Takes no locks.
select jsonb_build_object(
  'run', to_jsonb(r) - 'workflow_id' || jsonb_build_object('workflow', w.name, 'version', w.version,
    'key', (select k.key from pgflow.run_key k where k.run_id = r.id limit 1)),
  'definition', w.definition,
  'attempts', (select coalesce(jsonb_agg(to_jsonb(a) - 'run_id' || jsonb_build_object('node', n.id) order by a.ended_at, a.node, a.elem, a.attempt), '[]')
    from pgflow.attempt a join pgflow.node n on n.workflow = w.name and n.number = a.node where a.run_id = r.id),
  'tasks', (select coalesce(jsonb_agg(to_jsonb(k) - 'run_id' || jsonb_build_object('node', coalesce(n.id, k.node::text)) order by k.lane, k.elem), '[]')
    from pgflow.task k left join pgflow.node n on n.workflow = w.name and n.number = k.node where k.run_id = r.id),
  'logs', (select coalesce(jsonb_agg(to_jsonb(l) - 'run_id' || jsonb_build_object('lines', string_to_array(l.lines, E'\n')) order by l.at, l.node, l.element, l.attempt), '[]')
    from pgflow.logs l where l.run_id = r.id),
  'signals', (select coalesce(jsonb_agg(to_jsonb(g) - 'run_id' order by g.at), '[]') from pgflow.signal g where g.run_id = r.id),
  'children', (select coalesce(jsonb_agg(c.id order by c.id), '[]') from pgflow.run c where c.parent_run = r.id),
  'pause', (select to_jsonb(p) - 'run_id' from pgflow.pause p where p.run_id = r.id),
  'audit', (select coalesce(jsonb_agg(to_jsonb(u) - 'run_id' order by u.id), '[]') from pgflow.audit u where u.run_id = r.id),
  'why', (select coalesce(jsonb_agg(to_jsonb(y)), '[]') from pgflow.why_1(r.id) y))::text as dump
from pgflow.run r join pgflow.workflow w on w.id = r.workflow_id where r.id = $1
