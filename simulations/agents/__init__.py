"""Tier T2: whole nodes, with handlers, messages, registry and storage, on asyncio with a virtual clock."""
