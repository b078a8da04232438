"""The system on AWS: CloudFormation templates, their deployment, and their costs."""
