-- Question: which test devices have a reading, and which an alert, from this time on?
-- Technique: an alert that is open since an earlier test counts by its last candidate, for silence does not clear it.
-- Caveat: rows arrive up to a checkpoint (10 s) after the reading was scored.
SELECT
  ARRAY(SELECT DISTINCT device_id FROM readings
        WHERE device_id = ANY(%(devices)s) AND event_time >= %(since)s) AS readings,
  ARRAY(SELECT DISTINCT subject FROM alerts
        WHERE subject = ANY(%(devices)s) AND COALESCE(last_candidate_at, event_time) >= %(since)s) AS alerts
