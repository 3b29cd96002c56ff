"""Store: the agents of a registry in one SQLite file.

  agents        number (order of registration), uuid, packet (the JSON that is handed out), node_id and
                sequence of a signed record, ttl_s, seen and expires (seconds of the running server's clock)
  capabilities  (capability, number): the index behind discovery

WAL with synchronous=NORMAL: a commit is one append without an fsync (about 30 us), a killed process loses
nothing, and a power failure at worst the last moments, which heartbeats and new registrations make good. The
file is locked for as long as the server runs: two registries on one file would expire each other's agents.

Times are of a clock that starts anew with the machine, so opening gives everybody who expires one whole life
from then: nobody could send a heartbeat to a registry that was not there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ...wire.errors import ConfigError

_APPLICATION_ID = 0x6D393952  # "m99R": tells our files from other programs' databases
_SCHEMA_VERSION = 1
_LOCK_TIMEOUT_S = 1.0  # a registry that restarts may meet its predecessor in its last moment

_SCHEMA = """
CREATE TABLE agents (
    number INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    packet TEXT NOT NULL,
    node_id TEXT UNIQUE,
    sequence BLOB,
    ttl_s REAL,
    seen REAL NOT NULL,
    expires REAL
) STRICT;
CREATE TABLE capabilities (
    capability TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES agents ON DELETE CASCADE,
    PRIMARY KEY (capability, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX capabilities_of_agent ON capabilities (number);
CREATE INDEX agents_expiring ON agents (expires) WHERE expires IS NOT NULL;
CREATE INDEX nodes_seen ON agents (seen) WHERE node_id IS NOT NULL;
"""

_ALIVE = "(expires IS NULL OR expires > :now)"


class Agent(NamedTuple):
    """One row. `packet` is JSON text that holds `uuid`; the last three are None for agents without them."""

    uuid: str
    packet: str
    capabilities: Sequence[str]
    node_id: str | None
    sequence: int | None
    ttl_s: float | None


class Store:
    """Keep agents in SQLite. Use from one thread at a time; raises sqlite3.Error when the disk fails."""

    def __init__(self, path: str, now: float) -> None:
        """Open or create `path` (`:memory:` for none); raise ConfigError when it is no registry file or in
        use."""
        self._db = _connect(path, now)

    def close(self) -> None:
        """Fold the write-ahead log into the file and let it go."""
        self._db.close()

    def add(self, agent: Agent, now: float) -> None:
        """Append an agent; its uuid and node id must be new."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO agents (uuid, packet, node_id, sequence, ttl_s, seen, expires)"
                " VALUES (:uuid, :packet, :node_id, :sequence, :ttl_s, :now, :now + :ttl_s)",
                _columns(agent, now),
            )
            self._index(cursor.lastrowid or 0, agent.capabilities)

    def replace(self, agent: Agent, now: float) -> None:
        """Put `agent` in the place of the one with the same uuid."""
        with self._transaction():
            (number,) = self._db.execute(
                "UPDATE agents SET packet = :packet, node_id = :node_id, sequence = :sequence,"
                " ttl_s = :ttl_s, seen = :now, expires = :now + :ttl_s WHERE uuid = :uuid RETURNING number",
                _columns(agent, now),
            ).fetchone()
            self._db.execute("DELETE FROM capabilities WHERE number = ?", (number,))
            self._index(number, agent.capabilities)

    def remove(self, uuid: str) -> bool:
        """Forget an agent; False when there is none."""
        return self._db.execute("DELETE FROM agents WHERE uuid = ?", (uuid,)).rowcount > 0

    def touch(self, uuid: str, now: float) -> bool:
        """Give an agent another life; False when it is unknown or its life is over."""
        return (
            self._db.execute(
                f"UPDATE agents SET seen = :now, expires = :now + ttl_s WHERE uuid = :uuid AND {_ALIVE}",
                {"uuid": uuid, "now": now},
            ).rowcount
            > 0
        )

    def expire(self, now: float) -> list[str]:
        """Remove everybody whose life is over; give their uuids."""
        rows = self._db.execute("DELETE FROM agents WHERE expires <= ? RETURNING uuid", (now,))
        return [uuid for (uuid,) in rows.fetchall()]

    def count(self, now: float) -> int:
        """Count the living."""
        (count,) = self._db.execute(f"SELECT count(*) FROM agents WHERE {_ALIVE}", {"now": now}).fetchone()
        return int(count)

    def count_lasting(self) -> int:
        """Count those that never expire."""
        (count,) = self._db.execute("SELECT count(*) FROM agents WHERE expires IS NULL").fetchone()
        return int(count)

    def version_of(self, node_id: str, now: float) -> tuple[str, int] | None:
        """Give uuid and sequence of a living node."""
        row = self._db.execute(
            f"SELECT uuid, sequence FROM agents WHERE node_id = :node_id AND {_ALIVE}",
            {"node_id": node_id, "now": now},
        ).fetchone()
        return None if row is None else (row[0], int.from_bytes(row[1], "big"))

    def page(self, after: int, limit: int, now: float) -> list[tuple[int, str]]:
        """Give (number, packet) of the living in order of registration, starting behind `after`."""
        return self._db.execute(
            f"SELECT number, packet FROM agents WHERE number > :after AND {_ALIVE}"
            " ORDER BY number LIMIT :limit",
            {"after": after, "limit": limit, "now": now},
        ).fetchall()

    def page_of(self, capability: str, after: int, limit: int, now: float) -> list[tuple[int, str]]:
        """Give what `page` gives, of the agents with this (lower-case) capability."""
        return self._db.execute(
            "SELECT number, packet FROM capabilities JOIN agents USING (number)"
            f" WHERE capability = :capability AND number > :after AND {_ALIVE} ORDER BY number LIMIT :limit",
            {"capability": capability, "after": after, "limit": limit, "now": now},
        ).fetchall()

    def freshest_nodes(self, limit: int, now: float) -> list[int]:
        """Give the numbers of the living nodes that were heard last."""
        rows = self._db.execute(
            f"SELECT number FROM agents WHERE node_id IS NOT NULL AND {_ALIVE}"
            " ORDER BY seen DESC LIMIT :limit",
            {"limit": limit, "now": now},
        )
        return [number for (number,) in rows.fetchall()]

    def packet(self, number: int) -> str:
        """Give the packet of a number that this store just named."""
        (packet,) = self._db.execute("SELECT packet FROM agents WHERE number = ?", (number,)).fetchone()
        return str(packet)

    def node(self, name: str, now: float) -> str | None:
        """Give the packet of the living node with this node id or uuid."""
        row = self._db.execute(
            "SELECT packet FROM agents"
            f" WHERE node_id IS NOT NULL AND (node_id = :name OR uuid = :name) AND {_ALIVE}",
            {"name": name, "now": now},
        ).fetchone()
        return None if row is None else str(row[0])

    def _index(self, number: int, capabilities: Sequence[str]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO capabilities (capability, number) VALUES (?, ?)",
            [(capability, number) for capability in capabilities],
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # The first error is the one to tell of; SQLite may have rolled back by itself (full disk).
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise


def _columns(agent: Agent, now: float) -> dict[str, object]:
    # SQLite's integers are signed and a sequence is not: eight big-endian bytes keep its value and order.
    sequence = None if agent.sequence is None else agent.sequence.to_bytes(8, "big")
    return {**agent._asdict(), "capabilities": None, "sequence": sequence, "now": now}


def _connect(path: str, now: float) -> sqlite3.Connection:
    if not path:
        raise ConfigError("data", "must name a file", hint="`:memory:` keeps everything in memory only")
    try:
        # The server opens the file on the thread that starts it and works with it on another, never on both
        # at once.
        db = sqlite3.connect(path, timeout=_LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise _unusable(path, error) from None
    try:
        _prepare(db, path, now)
    except sqlite3.Error as error:
        db.close()
        raise _unusable(path, error) from None
    except ConfigError:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: str, now: float) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if tables and application != _APPLICATION_ID:
        raise ConfigError("data", f"{path} is another program's database", hint="name another file")
    if version > _SCHEMA_VERSION:
        raise ConfigError("data", f"{path} was written by a newer mesh99", hint="update mesh99")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(str(verdict).splitlines()[0])
    if not tables:
        # One transaction, so that a kill between two statements cannot leave half a schema.
        pragmas = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_SCHEMA_VERSION};"
        db.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} {pragmas} COMMIT;")
    db.execute("UPDATE agents SET seen = ?1, expires = ?1 + ttl_s", (now,))


def _unusable(path: str, error: sqlite3.Error) -> ConfigError:
    if "locked" in str(error):
        return ConfigError(
            "data", f"{path} is in use", hint="another registry runs on it: stop that one first"
        )
    return ConfigError("data", f"cannot use {path}: {error}", hint="name another file, or move this one away")
