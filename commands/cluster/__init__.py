"""Commands that submit, stop and rewind jobs on a Flink cluster."""
