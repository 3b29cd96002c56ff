"""The causes of something in a trace: the event that caused it, the one that caused that, and so on.

A trace is read backwards once, as far as the chain needs; only the chain is held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..tracing.trace import TraceReader
from ..tracing.trace_record import Kind, Record

CHAIN_MAX = 12
"""Records of a chain that are looked for: more than anybody reads."""


def causes(trace: TraceReader, record: Record, limit: int = CHAIN_MAX) -> tuple[Record, ...]:
    """Return what led to a record, the nearest cause first: events, and the packets that made some of them.

    The trace must have been read up to the record.
    """
    chain: list[Record] = []
    latest = record
    for earlier in trace.backwards(record.offset):
        if len(chain) >= limit or not latest.parent:
            break
        if earlier.kind is Kind.CALL and earlier.event == latest.parent:
            chain.append(earlier)
            latest = earlier
        elif _sent_as(earlier, latest):
            chain.append(earlier)
    return tuple(chain)


def last_before(
    trace: TraceReader,
    count: int,
    is_end: Callable[[Record], bool],
    concerns: Callable[[Record], bool] = lambda record: True,
) -> tuple[list[Record], Record | None]:
    """Return the last `count` records that concern somebody before the first for which `is_end` holds, and that one."""
    last: deque[Record] = deque(maxlen=count)
    for record in trace:
        if is_end(record):
            return list(last), record
        if concerns(record):
            last.append(record)
    return list(last), None


def _sent_as(packet: Record, arrival: Record) -> bool:
    return (
        packet.kind is Kind.PACKET
        and arrival.is_arrival
        and packet.parent == arrival.parent
        and packet.content == arrival.content
        and packet.receiver == arrival.node
    )
