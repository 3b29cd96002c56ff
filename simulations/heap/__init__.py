"""Tier T1: thousands of real Overlays on one heap of events."""
