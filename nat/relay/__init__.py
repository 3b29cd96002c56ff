"""Relay: packets of other sessions over sessions that stand. Who serves, and who is served."""
