"""Writing down what happens in a run, event by event, and reading it."""
