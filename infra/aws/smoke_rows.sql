-- Question: which test devices have a reading, and which an alert, since this time?
-- Technique: an alert left open by an earlier test counts by its last candidate, because silence does not clear it.
-- Caveat: rows arrive up to one checkpoint (10 s) after the reading was scored.
SELECT
  ARRAY(SELECT DISTINCT device_id FROM readings
        WHERE device_id = ANY(%(devices)s) AND event_time >= %(since)s) AS readings,
  ARRAY(SELECT DISTINCT subject FROM alerts
        WHERE subject = ANY(%(devices)s) AND COALESCE(last_candidate_at, event_time) >= %(since)s) AS alerts
