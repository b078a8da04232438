-- Records in the audit trail that a person sent a corrected message, with the message.
INSERT INTO dashboard_actions (acted_at, actor, action, subject, details)
VALUES (%(now)s, %(actor)s, 'REPLAYED', coalesce(%(source)s, 'new message'),
        jsonb_build_object('message', %(message)s::text, 'address', %(address)s::text))
