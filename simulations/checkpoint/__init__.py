"""A run in a file: put aside when it is ended, and taken up again."""
