"""Ports that a router opens on request: PCP, NAT-PMP and UPnP IGD, without sockets and clock."""
