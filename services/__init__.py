"""Programs that run continuously next to the jobs: dashboard, notifier, metrics, CloudWatch and retention."""
