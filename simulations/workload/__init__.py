"""What the hosts do with their network, and what is measured of it."""
