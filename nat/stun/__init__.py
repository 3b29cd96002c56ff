"""STUN (RFC 8489, RFC 5780): the messages, their proofs, transactions and the answer to "where do you see me?"."""
