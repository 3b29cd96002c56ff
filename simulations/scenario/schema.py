"""The words of a scenario file, and what each is when the file leaves it out.

A file has a table per class below (`[population]`, `[latency]`, ...), and arrays of tables where things may happen more
than once (`[[partition]]`, `[[fault]]`, `[[adversary]]`, `[[arrival]]`). Durations, shares, sizes and rates are written
with their units (units.py); here they are plain numbers: seconds, 0 to 1, bytes, bytes per second. Times (`at`) count
from the end of the settling, when measuring begins. None is written `"none"`. ranges.py and checking.py say what can
be, and why not.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from .units import Duration, Multiple, Rate, Share, Size

TIERS = ("model", "heap", "agents", "processes")


LARGE_NODES = 1000
"""From so many nodes on a network is large, if nothing else is said: few peers of a node are ever asked twice."""

LOOKUP_COUNT = 3
"""Nodes that a lookup looks for: enough to be sure of the nearest when one of them is lost on the way."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of a scenario file."""


class Population(Part, frozen=True):
    """Who is there, and how they come to be there."""

    nodes: int = 200
    """Honest nodes that exist from the start; with churn this many are online on average."""
    start: Literal["join", "warm"] = "join"
    """`join`: one after the other through nodes that are there; `warm`: with tables as after hours of being up."""
    join_over: Duration | None = None
    """Time in which all have started to join; None: 0.1 s a node up to 2 minutes, and 6 ms a node beyond."""
    introducers: int = 3
    """Nodes that a new one knows, drawn from those that are up and public; the first so many are public always."""
    retry: Duration = Duration(5.0)
    """When a node that reached no introducer tries again."""
    profile: Literal["auto", "default", "large"] = "auto"
    """Configuration of the nodes: the default one, or the one for networks of thousands (OverlayConfig.large). `auto`
    is the latter from 1,000 nodes on."""
    ipv6_only: Share = Share(0.0)
    """Tier `heap` only: share of the nodes that have an IPv6 address and none of IPv4."""
    dual_stack: Share = Share(0.0)
    """Tier `heap` only: share of the nodes that have both; in a mixed network the first `introducers` always do."""
    relays: Share = Share(0.0)
    """Tier `heap` only: share of the nodes behind no box that relay for others, where there are NATs."""
    publishers: Share = Share(0.0)
    """Share of the nodes that keep their own signed node record published."""

    @property
    def is_mixed(self) -> bool:
        """Tell whether some nodes speak another address family than others."""
        return self.ipv6_only + self.dual_stack > 0

    @property
    def is_large(self) -> bool:
        """Tell whether the nodes are configured for a network of thousands."""
        return self.profile == "large" or (self.profile == "auto" and self.nodes >= LARGE_NODES)


class Latency(Part, frozen=True):
    """How long a packet is under way."""

    model: Literal["planetlab", "coordinates", "uniform", "fixed"] = "planetlab"
    """Independent pairs with measured quantiles; points in space with the same quantiles; independent pairs between two
    bounds; or one delay for all."""
    one_way: Duration = Duration(0.05)
    """The delay of `fixed`."""
    one_way_min: Duration = Duration(0.005)
    """The shortest delay of `uniform`."""
    one_way_max: Duration = Duration(0.045)
    """The longest delay of `uniform`."""
    asymmetry: Share = Share(0.0)
    """Share of a pair's round trip by which its two directions may differ."""
    jitter: Share = Share(0.1)
    """Largest extra delay of a packet, as a share of the pair's own."""


class Links(Part, frozen=True):
    """What goes wrong between two nodes, and how fast their lines are."""

    loss: Share = Share(0.005)
    """Share of packets that vanish, each by itself."""
    burst_loss: Share = Share(0.0)
    """Share of packets lost in bursts (Gilbert-Elliott, per sending node)."""
    burst_packets: float = 8.0
    """Mean length of a burst."""
    duplicate: Share = Share(0.0)
    reorder: Share = Share(0.0)
    """Share of packets that take up to as long again, and so arrive behind later ones."""
    mtu: Size = Size(1500)
    """IP packets over this size vanish."""
    uplink: Rate | None = None
    downlink: Rate | None = None
    """Bandwidth of every node; None: unlimited."""
    queue: Size = Size(262_144)
    """Bytes that wait for a link before packets are dropped."""


class Nat(Part, frozen=True):
    """Shares of the population behind each kind of NAT (RFC 4787); the rest is public, and so are all adversaries."""

    endpoint_independent: Share = Share(0.0)
    """Endpoint-independent mapping and filtering (full cone)."""
    address_restricted: Share = Share(0.0)
    """Endpoint-independent mapping, address-dependent filtering."""
    port_restricted: Share = Share(0.0)
    """Endpoint-independent mapping, address- and port-dependent filtering."""
    symmetric: Share = Share(0.0)
    """Address- and port-dependent mapping and filtering, random ports."""
    symmetric_sequential: Share = Share(0.0)
    """The same with ports in sequence."""
    udp_blocked: Share = Share(0.0)
    mapping_timeout: Duration = Duration(120.0)
    hairpin: bool = False
    carrier_grade: Share = Share(0.0)
    """Share of the NATed nodes that sit behind a second, shared NAT."""


class Lifetimes(Part, frozen=True):
    """A distribution of durations."""

    distribution: Literal["weibull", "exponential", "pareto", "fixed"] = "weibull"
    shape: float = 0.608
    """Shape of Weibull and Pareto."""
    scale: Duration = Duration(3.66 * 3600)
    """Scale of Weibull and Pareto, mean of exponential, the value of fixed."""


class Churn(Part, frozen=True):
    """How nodes come and go; the defaults are fitted to a week of IPFS's DHT servers (ProbeLab RFM2, 2022-04-28)."""

    session: Lifetimes = field(default_factory=Lifetimes)
    offline: Lifetimes = field(default_factory=Lifetimes)
    always_online: Share = Share(0.105)
    """Share of the nodes that never leave."""
    graceful: Share = Share(0.5)
    """Share of departures that say goodbye; the others crash."""
    new_identity: Share = Share(0.0)
    """Share of returns under a new key and address."""
    diurnal: Share = Share(0.0)
    """How far the population swings around its mean in a day."""
    trace: str = ""
    """A file with lines `seconds node up|down` instead of the distributions, relative to the scenario's."""


class Arrival(Part, frozen=True):
    """More nodes, all at about the same time."""

    at: Duration
    over: Duration = Duration(30.0)
    share: Multiple = Multiple(0.5)
    """How many, as a share of `population.nodes`; may be over 1."""


class Partition(Part, frozen=True):
    """A network that falls apart, and heals."""

    at: Duration
    lasts: Duration
    kind: Literal["symmetric", "one-way", "clog", "swizzle-clog"] = "symmetric"
    """Nothing passes; nothing passes in one direction; packets of the nodes are held back and come all at once; the
    same for one node after the other, which are let go in another order."""
    share: Share = Share(0.5)
    """Share of the nodes on the far side."""


class Fault(Part, frozen=True):
    """Something that happens to nodes."""

    kind: Literal[
        "crash", "restart", "slow", "clock-drift", "clock-jump", "disk-loss", "registry-down", "inject"
    ]
    at: Duration = Duration(0.0)
    lasts: Duration | None = None
    """How long each of them is hit; None: to the end. For a restart: how long it is down."""
    share: Share = Share(0.1)
    """Share of the nodes that are hit."""
    batch: Share | None = None
    """Hit so large a share at a time, one batch every `every`, until `share` is reached."""
    every: Duration = Duration(60.0)
    size: Duration = Duration(10.0)
    """The pause of a slow node, the jump of a clock, or what a drifting clock gains in an hour."""
    point: str = ""
    """For `inject`: the fault point in the code (see `mesh99 sim list --points`)."""
    probability: Share = Share(0.01)
    """For `inject`: how often the point fails when it is passed."""


class Adversary(Part, frozen=True):
    """Nodes that do not keep to the protocol; the kinds are described in simulations/adversaries."""

    kind: Literal[
        "sybil",
        "eclipse",
        "poisoner",
        "censor",
        "liar",
        "flooder",
        "slow-loris",
        "lying-observer",
        "lying-relay",
        "lying-registry",
        "replayer",
    ]
    share: Share = Share(0.0)
    """How many, as a share of `population.nodes`."""
    count: int = 0
    """How many, on top of `share`."""
    at: Duration = Duration(0.0)
    """When they come; 0: they are there before measuring begins."""
    subnets: int = 0
    """Public /24 networks they come from; 0: each has an address of its own network."""
    keys: int = 1
    """For censors: keys of the workload that they surround, `count` identities each."""
    censors: Literal["mixed", "silent", "loud", "inventive", "all"] = "mixed"
    """For censors: they say that there is nothing, answer with a false record, or name nodes that nobody runs; `mixed`
    is half of each of the first two, `all` a third of each."""
    spread: int = 0
    """For censors: they stand within the distance in which so many honest nodes live; 0: as near as they can."""
    packets_per_s: float = 50.0
    """For flooders and replayers: how much each sends."""


class Workload(Part, frozen=True):
    """What the nodes do with their network; a mean interval per node, None for never."""

    lookups_every: Duration | None = Duration(20.0)
    """Find the nodes nearest to a random id; right when the first honest one of the answer really is the nearest."""
    lookup_count: int = LOOKUP_COUNT
    """Nodes that a lookup looks for, in tier `heap`. If a sixth of all nodes is hostile, the three nearest all are for
    0.5 % of the ids (a sixth to the third power), and a lookup for three finds nobody honest then."""
    gets_every: Duration | None = None
    """Read one of the `keys`."""
    hot_share: Share = Share(0.0)
    """Tier `heap` only: share of the gets that read the first of the `keys`; the others read any."""
    puts_every: Duration | None = None
    """Tier `heap` only: put a new signed value under a random key, and wait until a quorum of holders has it."""
    meets_every: Duration | None = None
    """Tier `heap` only: find another node's record, call it through its relays or directly, and ask it something."""
    keys: int = 0
    """Signed values put at the start and kept alive by their owners."""
    owners: int = 1
    """Owners who put a value under each key, as the providers of a capability do."""
    gets_want: int = 0
    """Records that a get asks for, of whatever owners; right when a given owner's is among them. 0: it names him."""
    value_size: Size = Size(64)
    value_ttl: Duration = Duration(3600.0)
    requests_every: Duration | None = None
    """Whole nodes only: find an agent by capability and ask it something."""


class Checks(Part, frozen=True):
    """What must hold all the time, and how often it is looked at."""

    invariants: tuple[str, ...] = ("all",)
    """Names from simulations/checks; `all`; empty for none."""
    every: Duration = Duration(10.0)
    """Time between two looks at the state of the nodes; events are checked as they happen."""
    converge_within: Duration | None = None
    """After the last fault ended: the network must look up right again within this time (the liveness phase)."""
    stop_at_first: bool = True
    """End the run at the first violation."""


class Scenario(Part, frozen=True):
    """A whole scenario."""

    name: str
    about: str
    """What happens, in a line."""
    tier: Literal["model", "heap", "agents", "processes"] = "heap"
    duration: Duration = Duration(60.0)
    """Length of the measured phase."""
    settle: Duration = Duration(20.0)
    """Time between the last start and the measured phase."""
    population: Population = field(default_factory=Population)
    latency: Latency = field(default_factory=Latency)
    links: Links = field(default_factory=Links)
    nat: Nat | None = None
    churn: Churn | None = None
    arrival: tuple[Arrival, ...] = ()
    partition: tuple[Partition, ...] = ()
    fault: tuple[Fault, ...] = ()
    adversary: tuple[Adversary, ...] = ()
    workload: Workload = field(default_factory=Workload)
    checks: Checks = field(default_factory=Checks)
    expect: dict[str, str] = field(default_factory=dict)
    """What must come out: figure name to a comparison, such as `lookup_success = ">= 0.99"`."""
