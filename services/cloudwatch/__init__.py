"""The service that publishes the devices' metrics to Amazon CloudWatch."""
