-- Records in the audit trail what a person did to an alert, with the current state of the alert.
INSERT INTO dashboard_actions (acted_at, actor, action, subject, details)
SELECT %(now)s, %(actor)s, %(action)s, alert_id,
       jsonb_build_object('resolution', %(resolution)s::text, 'note', %(note)s::text, 'address', %(address)s::text,
                          'alert', to_jsonb(alerts))
FROM alerts WHERE alert_id = %(alert)s
