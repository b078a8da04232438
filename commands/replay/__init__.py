"""`./fire replay`: the jobs on recorded messages or archived readings."""
