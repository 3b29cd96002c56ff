"""The nftables rules that make a box what it is.

Where endpoint-independent filtering is wanted, and for hairpins, the mappings that conntrack makes are written down on
each packet's way out (map `inner`), and what comes in unasked is sent where they say.
"""

from __future__ import annotations

from .topology import Box, Kind

# Mapped ports lie below the hosts' ephemeral ports, so that a changed port can be told from a kept one.
EASY_PORTS = "10000-31999"
HARD_PORTS = "1024-65535"
SEQUENCE = 4096
FIRST_IN_SEQUENCE = 20000
MAPPING_TIMEOUT_S = 120  # of what is written down; RFC 4787 REQ-5 asks for two minutes


def ruleset(box: Box, wan_address: str, lan: str) -> str:
    """Write a box's rules; `lan` is the inner network, as 192.168.1.0/24."""
    translation = "" if box.kind is Kind.FW else _translation(box, wan_address, lan)
    no_udp = "meta l4proto udp drop" if box.kind is Kind.UDPBLOCK else ""
    # An early punch packet must end here without a trace: answered or tracked it would spoil the punch.
    return f"""
        flush ruleset
        table ip box {{
            chain input {{
                type filter hook input priority filter
                ct state established,related accept
                iifname "wan" drop
                ip daddr {wan_address} drop
            }}
            chain forward {{
                type filter hook forward priority filter
                {no_udp}
                iifname "lan" accept
                ct state established,related accept
                ct status dnat accept
                drop
            }}
            {translation}
        }}
    """


def _translation(box: Box, wan_address: str, lan: str) -> str:
    source = _source(box, wan_address)
    timeout_s = box.timeout_s or MAPPING_TIMEOUT_S
    size = f"flags dynamic,timeout; timeout {timeout_s}s; size 65536"
    return f"""
        map inner {{ type inet_service : ipv4_addr . inet_service; {size}; }}
        set asked {{ type ipv4_addr . inet_service; {size}; }}
        chain unasked {{
            type nat hook prerouting priority dstnat
            {_unasked(box, wan_address)}
        }}
        chain translate {{
            type nat hook postrouting priority srcnat
            oifname "wan" meta l4proto {{ tcp, udp }} snat to {source}
            oifname "wan" snat to {wan_address}
            oifname "lan" ct status dnat ip saddr {lan} meta l4proto udp snat to {source}
        }}
        {_memory(wan_address) if _remembers(box) else ""}
    """


def _source(box: Box, wan_address: str) -> str:
    """Say which address and port a new flow gets; conntrack keeps those of the same inner endpoint if it may."""
    if box.kind is Kind.SYM:
        return f"{wan_address}:{HARD_PORTS} fully-random"
    if box.kind is Kind.SYMSEQ:
        # `numgen` straight into a port would be in the wrong byte order.
        ports = ", ".join(f"{step} : {FIRST_IN_SEQUENCE + step}" for step in range(SEQUENCE))
        return f"{wan_address} : numgen inc mod {SEQUENCE} map {{ {ports} }}"
    return wan_address if box.preserve else f"{wan_address}:{EASY_PORTS}"


def _remembers(box: Box) -> bool:
    return box.hairpin or box.kind in (Kind.FULL, Kind.ADDR)


def _unasked(box: Box, wan_address: str) -> str:
    rules = []
    if box.kind is Kind.FULL:
        rules.append('iifname "wan" dnat ip to udp dport map @inner')
    if box.kind is Kind.ADDR:
        rules.append('iifname "wan" ip saddr . udp dport @asked dnat ip to udp dport map @inner')
    if box.hairpin:
        rules.append(f'iifname "lan" ip daddr {wan_address} dnat ip to udp dport map @inner')
    return "\n".join(rules)


def _memory(wan_address: str) -> str:
    """Write mappings down after translation; for answers to unasked packets the inner endpoint is in the reply."""
    ours = f"ip saddr {wan_address} meta l4proto udp"
    inner = "update @inner { udp sport : ct %s ip saddr . ct %s proto-src }"
    return f"""
        chain remember {{
            type filter hook postrouting priority srcnat + 10
            {ours} ct direction original {inner.replace("%s", "original")}
            {ours} ct direction reply {inner.replace("%s", "reply")}
            {ours} update @asked {{ ip daddr . udp sport }}
        }}
    """
