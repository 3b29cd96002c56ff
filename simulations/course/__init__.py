"""The course of a run, whatever its nodes are made of: phases, what happens in them, what is made of it."""
