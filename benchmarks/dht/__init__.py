"""A whole DHT in one process on loopback: join, put, get, and get again with a fifth of the nodes dead."""
