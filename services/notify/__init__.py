"""The notifier, which delivers alerts to webhooks, e-mail, Amazon SNS, Slack, Microsoft Teams and PagerDuty."""
