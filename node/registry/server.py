"""RegistryServer: one registry on one port and one file, from start to stop."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

from aiohttp import web

from ...wire.endpoint import Endpoint
from ...wire.errors import AlreadyStarted, ConfigError
from .api import Api
from .config import RegistryConfig
from .http import Busy, Connection
from .service import Registry
from .store import Store

DEFAULT_LISTEN = "127.0.0.1:4567"  # Agent99's default: Sinatra's port

_log = logging.getLogger("mesh99.registry")


class RegistryServer:
    """Serve a registry until stopped: `async with RegistryServer(...) as server: server.url`.

    All of the registry's state is worked on by one thread of its own. A call to SQLite takes 5 to 200 us, but
    every thousandth commit folds the write-ahead log into the file and waits for the disk, a registration
    checks a signature, and a page is up to 2 MiB: none of that holds the event loop, and one thread needs no
    locks.
    """

    def __init__(
        self,
        listen: str = DEFAULT_LISTEN,
        data: str = ":memory:",
        config: RegistryConfig | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Random | None = None,
        new_uuid: Callable[[], uuid.UUID] = uuid.uuid4,
    ) -> None:
        """Take where to listen (`127.0.0.1:0`: any free port) and the file to keep; raise ConfigError."""
        self._listen = Endpoint.parse(listen, "tcp")
        self._data = data
        self._config = config or RegistryConfig()
        self._clock = clock
        self._random = random or Random()
        self._new_uuid = new_uuid
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> RegistryServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Give the base URL, once started."""
        assert self._listener is not None, "not started"
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Open the file and the port; raise ConfigError when either cannot be used."""
        if self._listener is not None:
            raise AlreadyStarted
        self._store = Store(self._data, self._clock())
        self._thread = ThreadPoolExecutor(1, "registry")
        self._registry = Registry(self._store, self._config, self._random, lambda: str(self._new_uuid()))
        self._http = web.Server(Api(self._registry, self._config, self._thread, self._clock).answer)
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                self._accept, self._listen.host, self._listen.port
            )
        except OSError as error:
            self._close_store()
            raise _unusable(self._listen, error) from None
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Close the port, let open requests end, close the file."""
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        listener.close()
        self._http.pre_shutdown()
        await self._http.shutdown(self._config.stop_timeout_s)
        await listener.wait_closed()
        self._sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await self._sweeper
        self._close_store()

    def _accept(self) -> asyncio.Protocol:
        if len(self._http.connections) >= self._config.connections_max:
            return Busy()
        return Connection(
            self._http,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._config.idle_timeout_s,
            lingering_time=1.0,  # what is left of a refused body: long enough for the answer to be read
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
        )

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._config.sweep_interval_s)
            try:
                expired = await loop.run_in_executor(self._thread, self._registry.expire, self._clock())
            except sqlite3.Error as error:
                _log.error("the store failed: %s", error)
                continue
            for agent in expired:
                _log.info("expired %s", agent)

    def _close_store(self) -> None:
        self._thread.shutdown()
        self._store.close()


def _unusable(listen: Endpoint, error: OSError) -> ConfigError:
    hint = "is a registry running there already? choose another with --listen HOST:PORT"
    return ConfigError("listen", f"cannot listen on {listen}: {error.strerror or error}", hint=hint)
