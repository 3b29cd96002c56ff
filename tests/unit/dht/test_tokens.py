from mesh99.dht.tokens import TOKEN_BYTES, WriteTokens

SECRET = bytes(range(32))
NODE, OTHER = b"a" * 32, b"b" * 32


def test_a_token_is_good_for_its_node_at_its_host() -> None:
    tokens = WriteTokens(SECRET, 300.0)
    token = tokens.make(NODE, "192.0.2.1", 10.0)
    assert len(token) == TOKEN_BYTES
    assert tokens.check(token, NODE, "192.0.2.1", 10.0)
    assert not tokens.check(token, OTHER, "192.0.2.1", 10.0)
    assert not tokens.check(token, NODE, "192.0.2.2", 10.0)
    assert not tokens.check(bytes(TOKEN_BYTES), NODE, "192.0.2.1", 10.0)
    assert not tokens.check(b"", NODE, "192.0.2.1", 10.0)


def test_a_token_lives_one_to_two_periods() -> None:
    tokens = WriteTokens(SECRET, 300.0)
    token = tokens.make(NODE, "192.0.2.1", 299.0)
    assert tokens.check(token, NODE, "192.0.2.1", 599.0)
    assert not tokens.check(token, NODE, "192.0.2.1", 600.0)


def test_another_secret_makes_other_tokens() -> None:
    token = WriteTokens(SECRET, 300.0).make(NODE, "192.0.2.1", 0.0)
    assert not WriteTokens(bytes(32), 300.0).check(token, NODE, "192.0.2.1", 0.0)
