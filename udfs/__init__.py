"""The functions that Flink's Python workers run; they hold every rule and threshold."""
