"""TURN (RFC 8656) for stock clients: the server that relays for them, and a client for somebody else's server."""
