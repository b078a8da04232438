"""Everything the project runs on: the embedded stack, the database schema, containers, Kubernetes and AWS."""
