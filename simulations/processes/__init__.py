"""Tier T3: real processes with real sockets on this machine, under the scenario's delays, in real time."""
