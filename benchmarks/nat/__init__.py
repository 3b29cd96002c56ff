"""Figures of NAT traversal and relays."""
