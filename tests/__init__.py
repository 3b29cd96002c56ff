"""Tests, and programs for people beside them: `python -m tests.natlab`."""
