"""The notifier, which delivers alerts to webhooks, e-mail and Amazon SNS."""
