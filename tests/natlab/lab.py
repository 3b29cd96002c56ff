"""A lab: public servers, and sites with hosts behind real NATs, for as long as a `with` block lasts."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

from . import guardian, namespace
from .internet import DEFAULT_DELAY_S, Internet
from .namespace import Namespace
from .site import Host, RunningSite, Sites
from .topology import SERVERS_MAX, SITES_MAX, Site, server_address

TOOLS = ("ip", "nft", "conntrack")
_labs = itertools.count(1)


@cache
def why_not() -> str | None:
    """Say why no lab can be built here, or None when one can."""
    if os.geteuid():
        return "network namespaces need root"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (tests/install_debian.sh)"
    # Root in a container may do less, and a kernel may know no nftables.
    prefix = namespace.own_prefix(0)
    trial = Namespace(prefix, "trial")
    try:
        trial.make()
        trial.run(["nft", "add", "table", "ip", "trial"])
    except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
        return f"no network namespaces with nftables here: {error}"
    finally:
        guardian.remove(prefix)
    return None


class Lab:
    """Servers and sites, the latter written as in `topology`; `delay_s` and `loss` are for each crossing of a link.

    Between any two hosts at different sites there are two crossings each way: 20 ms make a round trip of 80 ms.
    """

    def __init__(
        self, sites: Sequence[str], *, servers: int = 3, delay_s: float = DEFAULT_DELAY_S, loss: float = 0.0
    ) -> None:
        if servers > SERVERS_MAX or len(sites) > SITES_MAX:
            raise ValueError(f"a lab has room for {SERVERS_MAX} servers and {SITES_MAX} sites")
        self.sites_as_written = list(sites)
        self._plan = [Site.parse(site) for site in sites]
        self._prefix = namespace.own_prefix(next(_labs))
        self._cost = (delay_s, loss)
        self._server_count = servers
        self._guardian: subprocess.Popen[bytes] | None = None
        self.internet = Internet(Namespace(self._prefix, "internet"))
        self.servers: list[Host] = []
        self.sites: list[RunningSite] = []

    @property
    def hosts(self) -> list[Host]:
        """List the hosts of all sites, in their order."""
        return [host for site in self.sites for host in site.hosts]

    def __enter__(self) -> Lab:
        guardian.remove_stale(namespace.PREFIX)
        self._guardian = subprocess.Popen(
            [sys.executable, "-IS", Path(guardian.__file__), self._prefix],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it all, and kill what still runs in it."""
        self.internet.close()
        if self._guardian is not None:
            self._guardian.communicate()

    def set_cost(self, delay_s: float | None = None, loss: float | None = None) -> None:
        """Set what each crossing of each link costs from now on."""
        for link in range(len(self.internet.costs)):
            self.internet.set_cost(link, delay_s, loss)

    def cut(self, one: Host | RunningSite, other: Host | RunningSite, is_cut: bool = True) -> None:
        """Let nothing pass between two places any more, or again; the same place twice means it and all others."""
        self.internet.cut(one.link, other.link, is_cut)

    def _build(self) -> None:
        self.internet.namespace.make()
        for number in range(1, self._server_count + 1):
            addresses = [server_address(number, 1), server_address(number, 2)]
            self.servers.append(Host.public(self.internet, self._prefix, f"server{number}", addresses))
        builder = Sites(self.internet, self._prefix)
        self.sites = [builder.build(number, site) for number, site in enumerate(self._plan, 1)]
        self.internet.start()
        self.set_cost(*self._cost)
