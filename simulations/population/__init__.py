"""Who is in a simulated network: the hosts, how they join, come and go."""
