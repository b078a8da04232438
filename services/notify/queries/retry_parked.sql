-- Makes parked deliveries due again, with a new time limit. One stays parked if a later transition of its alert was delivered on
-- its channel in the meantime: an alarm after its all-clear would mislead.
WITH revived AS (
    UPDATE notifications AS parked
    SET state = 'PENDING', due_at = %(now)s, give_up_at = %(now)s::timestamptz + max_age, claimed_until = NULL
    WHERE state = 'PARKED' AND NOT EXISTS (
        SELECT FROM notifications AS later
        WHERE later.channel = parked.channel AND later.alert_id = parked.alert_id
            AND later.sequence > parked.sequence AND later.state = 'DELIVERED')
    RETURNING 1
)
SELECT (SELECT count(*) FROM revived) AS revived,
    (SELECT count(*) FROM notifications WHERE state = 'PARKED') - (SELECT count(*) FROM revived) AS overtaken
