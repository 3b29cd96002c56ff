"""Many records in few datagrams: how what goes to one peer is cut into requests that each fit one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .messages import RECORDS_MAX, REPLY_BYTES_MAX

HEAD_BYTES = 21  # array, kind, id, token, length of the list
RECORD_HEAD_BYTES = 9  # pair, age, length

Aged = tuple[int, bytes]


def datagrams(records: Iterable[Aged]) -> Iterator[list[Aged]]:
    """Yield pages of (age in seconds, encoded record), in order, each as long as one STORE_MANY may be."""
    page: list[Aged] = []
    room = REPLY_BYTES_MAX - HEAD_BYTES
    for aged in records:
        size = len(aged[1]) + RECORD_HEAD_BYTES
        if page and (size > room or len(page) == RECORDS_MAX):
            yield page
            page, room = [], REPLY_BYTES_MAX - HEAD_BYTES
        page.append(aged)
        room -= size
    if page:
        yield page
