"""W1 of `./fire bench` as it would be written without Flink: each module takes an input folder, an output folder and a time."""
