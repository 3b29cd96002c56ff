"""Ports opened by the router in front of a node, in the background."""
