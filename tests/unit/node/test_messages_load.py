"""How much the dispatcher lets run at once, for whom, and what it tells its host."""

from __future__ import annotations

import pytest
from dispatch_desk import ELSEWHERE, THERE, Answer, Ask, Desk, upper_later

from mesh99.node.messages import DispatcherConfig
from mesh99.node.messages.envelope import ONE_WAY, REQUEST, encode_message
from mesh99.wire.errors import ConfigError
from mesh99.wire.identity import NodeId


def test_more_than_may_run_is_busy_until_one_ends() -> None:
    desk = Desk(running_max=2)
    desk.dispatcher.on(Ask, upper_later)
    request = encode_message(REQUEST, 7, Ask(text="hi"))
    desk.ask(request)
    desk.ask(request, ELSEWHERE)
    assert desk.refusal_of(request).code == "busy"
    desk.finish()
    desk.answers.clear()
    desk.ask(request)
    assert (len(desk.running), desk.answers) == (2, [])
    desk.finish()
    desk.finish()


def test_one_peer_cannot_keep_the_others_waiting() -> None:
    desk = Desk(running_max=3, running_per_peer_max=2)
    desk.dispatcher.on(Ask, upper_later)
    request = encode_message(REQUEST, 7, Ask(text="hi"))
    desk.ask(request)
    desk.ask(request)
    assert desk.refusal_of(request).code == "busy"
    desk.ask(request, ELSEWHERE)
    assert len(desk.running) == 3
    while desk.running:
        desk.finish()
    assert len(desk.answers) == 3


def test_one_way_messages_are_not_refused_for_too_much_work() -> None:
    desk = Desk(running_max=1, running_per_peer_max=1)
    desk.dispatcher.on(Ask, upper_later)
    for _ in range(5):
        desk.ask(encode_message(ONE_WAY, 7, Ask(text="hi")))
    assert desk.dispatcher.running_of(THERE) == len(desk.running) == 5
    assert desk.refusal_of(encode_message(REQUEST, 7, Ask(text="hi"))).code == "busy"
    while desk.running:
        desk.finish()
    assert desk.dispatcher.dropped == {"busy": 1}


def test_the_host_is_told_when_the_handlers_of_a_peer_have_become_few() -> None:
    desk = Desk(resume_below=2)
    told: list[tuple[NodeId, int]] = []
    desk.dispatcher.on_idle = lambda peer: told.append((peer, desk.dispatcher.running_of(peer)))
    desk.dispatcher.on(Ask, upper_later)
    for sender in (THERE, THERE, THERE, ELSEWHERE):
        desk.ask(encode_message(REQUEST, 7, Ask(text="hi")), sender)
    desk.finish()
    assert told == []
    desk.finish()
    desk.finish()
    assert told == [(THERE, 1)]
    assert (desk.dispatcher.running_of(THERE), desk.dispatcher.running_of(ELSEWHERE)) == (0, 1)
    desk.finish()


def test_plain_handlers_work_while_coroutines_fill_the_limit() -> None:
    desk = Desk(running_max=1)
    desk.dispatcher.on(Ask, upper_later)
    desk.dispatcher.on(Answer, lambda request: None)
    desk.ask(encode_message(REQUEST, 7, Ask(text="hi")))
    assert desk.answer_to(Answer(text="x")).type_name == b"none"
    desk.finish()


@pytest.mark.parametrize("name", ["running_max", "running_per_peer_max", "resume_below", "types_max"])
def test_limits_are_at_least_one(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        DispatcherConfig(**{name: 0})
    assert caught.value.field == name
