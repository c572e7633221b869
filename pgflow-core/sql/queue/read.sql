-- Called by triggers, in a transaction of its own, so that reads are counted whatever comes of them. Hides what it gives.
select r.msg_id, r.read_ct, r.enqueued_at, r.message::text as body from pgmq.read($1, $2, $3) r order by r.msg_id
