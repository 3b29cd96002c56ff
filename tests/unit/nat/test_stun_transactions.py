"""Asking STUN servers: retransmission, whose answer counts, and the end."""

from __future__ import annotations

from mesh99.nat.stun.message import MessageClass, Method, StunMessage, encode
from mesh99.nat.stun.transactions import TransactionConfig, Transactions
from mesh99.wire.endpoint import Endpoint

SERVER = Endpoint("udp", "192.0.2.1", 3478)
ID = bytes(range(12))
PACKET = encode(StunMessage(Method.BINDING, MessageClass.REQUEST, ID))
RESPONSE = StunMessage(Method.BINDING, MessageClass.SUCCESS, ID)


class Asked:
    """Transactions with one request under way, and what came of it."""

    def __init__(self, **config: object) -> None:
        self.transactions = Transactions(TransactionConfig(**config))  # type: ignore[arg-type]
        self.answers: list[StunMessage | None] = []
        self.transactions.ask(PACKET, SERVER, 0.0, lambda response, now: self.answers.append(response))


def test_a_request_is_repeated_at_its_times_and_given_up() -> None:
    asked = Asked()
    times, now = [0.0], 0.0
    while (due := asked.transactions.next_timeout()) is not None:
        before = len(asked.transactions.packets)
        asked.transactions.handle_timeout(now := due)
        times += [now] * (len(asked.transactions.packets) - before)
    assert times == [0.0, *TransactionConfig().resend_s]
    assert now == TransactionConfig().timeout_s
    assert asked.answers == [None]


def test_the_answer_of_the_server_that_was_asked_counts_once() -> None:
    asked = Asked()
    assert asked.transactions.receive(RESPONSE, SERVER, 0.05)
    assert not asked.transactions.receive(RESPONSE, SERVER, 0.06)
    assert asked.answers == [RESPONSE]
    assert asked.transactions.next_timeout() is None


def test_an_answer_from_elsewhere_or_to_another_question_does_not_count() -> None:
    asked = Asked()
    assert not asked.transactions.receive(RESPONSE, SERVER._replace(port=9), 0.05)
    other = StunMessage(Method.BINDING, MessageClass.SUCCESS, bytes(12))
    assert not asked.transactions.receive(other, SERVER, 0.05)
    indication = StunMessage(Method.BINDING, MessageClass.INDICATION, ID)
    assert not asked.transactions.receive(indication, SERVER, 0.05)
    assert asked.answers == []


def test_a_request_over_the_limit_fails_at_once() -> None:
    asked = Asked(transactions_max=1)
    asked.transactions.ask(PACKET, SERVER, 0.0, lambda response, now: asked.answers.append(response))
    assert asked.answers == [None]
    assert len(asked.transactions) == 1


def test_a_refusal_to_answer_from_elsewhere_comes_from_where_it_was_asked() -> None:
    other = SERVER._replace(host="192.0.2.2", port=3479)
    for message_class, counts in ((MessageClass.ERROR, True), (MessageClass.SUCCESS, False)):
        transactions, answers = Transactions(TransactionConfig()), []
        transactions.ask(PACKET, SERVER, 0.0, lambda said, now: answers.append(said), answers_from=other)  # noqa: B023
        response = StunMessage(Method.BINDING, message_class, ID)
        assert transactions.receive(response, SERVER, 0.1) is counts
        assert len(answers) == counts
