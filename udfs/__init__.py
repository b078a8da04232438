"""The functions that Flink's Python workers run, with every formula, rule and threshold."""
