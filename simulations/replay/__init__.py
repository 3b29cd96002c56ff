"""A run that failed, again: traces of every event, where two runs part, the same run made smaller, and checkpoints."""
