"""`./fire evaluate` and `./fire measurements`: the jobs on published measurements of fires and homes."""
