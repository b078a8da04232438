"""The system on AWS: CloudFormation templates, what deploys them, and what they cost."""
