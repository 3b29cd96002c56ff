"""A running box: what it does to packets, and what can happen to it."""

from __future__ import annotations

from . import rules
from .namespace import Namespace
from .topology import Box


class RunningBox(Namespace):
    """A router between the interfaces `wan` and `lan`; the latter is a bridge, with a port for each that is behind."""

    def __init__(self, prefix: str, name: str, box: Box, wan_address: str, network: str) -> None:
        super().__init__(prefix, name)
        self.box = box
        self.wan_address = wan_address
        self.network = network  # its first three bytes
        self.gateway = f"{network}.254"

    def make(self) -> None:
        """Make it a router; its interface `wan` is for others to connect."""
        super().make()
        self.ip("link add lan type bridge", f"addr add {self.gateway}/24 dev lan", "link set lan up")
        self.set("ipv4.ip_forward", 1)
        # Packets between ports of the bridge are no business of the rules, and would be lost in a hairpin.
        self.set("bridge.bridge-nf-call-iptables", 0)
        timeout_s = self.box.timeout_s or rules.MAPPING_TIMEOUT_S
        self.set("netfilter.nf_conntrack_udp_timeout", timeout_s)
        self.set("netfilter.nf_conntrack_udp_timeout_stream", timeout_s)
        self._load_rules()

    def plug(self, number: int, namespace: Namespace, interface: str) -> str:
        """Connect a namespace to the LAN as the number-th, and say which address that gave it."""
        address = f"{self.network}.{number}"
        isolation = "on" if self.box.isolated else "off"
        self.ip(
            f"link add lan{number} type veth peer name {interface} netns {namespace.full_name}",
            f"link set lan{number} master lan up",
            f"link set lan{number} type bridge_slave isolated {isolation}",
        )
        namespace.ip(
            f"addr add {address}/24 dev {interface}",
            f"link set {interface} up",
            f"route add default via {self.gateway}",
        )
        return address

    def reboot(self) -> None:
        """Forget all mappings, as a box does that lost its power for a moment."""
        self._load_rules()
        self.run(["conntrack", "-F"])

    def renumber(self, wan_address: str) -> None:
        """Get another address from the provider; what was open is lost."""
        self.ip(f"addr add {wan_address}/32 dev wan", f"addr del {self.wan_address}/32 dev wan")
        self.wan_address = wan_address
        self.reboot()

    def _load_rules(self) -> None:
        self.run(["nft", "-f", "-"], input=rules.ruleset(self.box, self.wan_address, f"{self.network}.0/24"))
