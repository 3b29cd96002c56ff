"""The limits of one Dht, each with what raising it costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..wire.errors import ConfigError

MAY_BE_ZERO = frozenset({"greeted_max"})
"""Limits at which 0 stands for doing without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DhtConfig:
    """Limits and timings of a Dht; every value must be positive, or 0 where that is said to mean something."""

    bucket_size: int = 20
    """Contacts of a bucket and of an answer (k of the paper). Raising it costs table memory and answer bytes:
    20 contacts with IPv6 endpoints still fit one datagram, 22 do not."""

    reserve_max: int = 10
    """Verified contacts kept in reserve per full bucket. Raising it costs memory only."""

    subnet_bucket_max: int = 2
    """Contacts of one public /24 or /48 in a bucket. Raising it lets one network operator fill a bucket."""

    subnet_table_max: int = 10
    """Contacts of one public /24 or /48 in the table. Raising it eases eclipse attacks from one network."""

    parallelism: int = 3
    """Requests in flight while a lookup still comes nearer (alpha). Raising it costs messages per lookup."""

    wide_times_max: int = 3
    """Times as many nodes found as were sought, where answers leave others out (doubt.py). Raising it costs messages
    under attack; at 1 a lookup believes whoever is nearest."""

    lookup_requests_max: int = 128
    """Peers asked by one lookup. Raising it lets a liar who invents ever nearer contacts cost more messages."""

    lookup_timeout_s: float = 10.0
    """Life of one lookup. Raising it lets peers that answer at the last moment hold a lookup longer."""

    lookups_max: int = 64
    """Lookups at the same time; more wait their turn. Raising it costs bursts of bucket_size requests each."""

    lookups_waiting_max: int = 10_000
    """Lookups that wait for their turn; more raise QueueFull. Raising it costs memory and late answers."""

    timeout_first_s: float = 0.5
    """Time-out of a request before any round trip was measured. Raising it delays the first hedge of a join."""

    timeout_s_min: float = 0.02
    """Least time-out of a request. Raising it makes dead peers dearer; lowering it resends to peers whose loop is
    merely busy (20 ms is about ten scheduler slices)."""

    hedge_s_min: float = 0.002
    """Least wait for the only peer that was asked before another is asked too. Raising it makes dead peers dearer;
    lowering it asks twice where peers are merely busy, which costs a message."""

    timeout_s_max: float = 2.0
    """Largest time-out of one try. Raising it makes dead peers dearer on slow links."""

    tries_max: int = 3
    """Transmissions of a request before it fails. Raising it survives more loss and finds death later."""

    window_first: int = 80
    """Requests in flight at the start; more wait. Raising it lets bursts overrun slow links."""

    window_min: int = 8
    """Least of them, however much is lost. Raising it makes a crowded link worse."""

    window_max: int = 1024
    """Most of them, however much is answered. Raising it costs about 500 bytes each."""

    peers_max: int = 1024
    """Peers whose round-trip time and failures are remembered. Raising it costs about 200 bytes each."""

    faults_max: float = 2.5
    """Faults held against a peer from which on its standing is low (standing.py). Raising it lets each identity waste
    as many more signature checks (about 70 us each) and requests; at a fault or less a single mistake would do."""

    forgiven_s: float = 600.0
    """Time in which one fault is forgiven. Raising it keeps liars out longer, and whoever was taken for one."""

    vain_names_max: int = 5
    """Dead contacts that a peer may name in one lookup, with none alive, until that is a fault. Raising it lets liars
    cost more time-outs; lowering it punishes peers that know others behind the same NAT or partition."""

    blamed_max: int = 1024
    """Peers whose faults are remembered. Raising it costs about 150 bytes each."""

    failures_max: int = 2
    """Requests that must fail in a row until a contact is evicted. Raising it keeps dead contacts longer."""

    avoid_s_min: float = 5.0
    """How long a peer that failed is left in peace; doubles with each failure. Raising it notices returns later."""

    avoid_s_max: float = 600.0
    """Longest time a failed peer is left in peace. Raising it notices returns later."""

    silent_s_min: float = 300.0
    """Silence after which a contact is pinged that was met a moment ago. Half of it may be added to any silence, so
    that some are looked at together. Raising it saves upkeep (about 2 kB a ping with its handshake) and keeps dead
    contacts longer."""

    silent_share: float = 0.5
    """The same for older contacts, as a share of the time they are known to be up: at 0.5 and measured churn (Weibull,
    shape 0.6) 6 % of contacts are dead at any time. Raising it as above."""

    silent_s_max: float = 3600.0
    """Longest silence before any contact is pinged. Raising it as above."""

    pings_max: int = 8
    """Liveness pings sent in one go. Raising it makes upkeep burstier."""

    evicted_max: int = 32
    """Evicted contacts that are tried again. Raising it costs about 200 bytes each, and pings that mostly fail."""

    evicted_wait_s_min: float = 600.0
    """Wait before an evicted contact is tried again; doubles. Raising it notices returns later."""

    evicted_wait_s_max: float = 7200.0
    """Longest wait between two tries. Raising it as above, and saves pings to the dead."""

    evicted_pause_s: float = 60.0
    """Least time between two tries of whoever it may be. Raising it saves upkeep and heals partitions later."""

    evicted_keep_s: float = 86_400.0
    """How long after its eviction a contact is tried: the longest partition that heals without help. Raising it costs
    a ping per `evicted_wait_s_max` for each that is gone for good."""

    refresh_s: float = 3600.0
    """Time without a lookup after which a bucket is refreshed (section 2.3 of the paper)."""

    join_count: int = 10
    """Contacts sought around our own id while joining, at most bucket_size: the replicas of what lies near us, and two.
    Raising it costs a handshake each; later comers find us by themselves."""

    refresh_count: int = 4
    """Contacts sought in a far bucket while joining, and in one with room later. Raising it costs a handshake each; use
    and later comers fill the rest."""

    fill_far_at_join: bool = True
    """Whether joining fills far buckets that are short. False leaves them to use, to later comers and to the refresh:
    a third fewer requests for a join, and lookups that take a hop more until then."""

    greeted_max: int = 64
    """Nodes of a network in which each meets all others once it has joined, so that a put takes one round trip from the
    first on; 0: use decides who is met. Raising it costs a handshake, a request and a line of 4 KiB for each."""

    greet_after_s: float = 1.5
    """How long after our first contact they are met. Raising it leaves the first puts to strangers; lowering it takes a
    network that is being started, and grows, for a small one."""

    value_replicas: int = 8
    """Peers that hold a record: with 20 % of them dead all copies are gone with 0.2^8 = 2.6e-6. Raising it costs a
    STORE and a kilobyte each."""

    store_quorum: int = 5
    """Stores after which a put reports success. Raising it makes puts wait for slower holders."""

    ephemeral: bool = False
    """Whether others are asked not to list this node, which then holds nothing for them: for who comes for a minute, or
    cannot be called. True for many leaves the work to the others; a network needs some that are not."""

    open_enough: int = 8
    """Contacts that strangers reach, as many as hold a value, from which on those behind boxes are not listed. Raising
    it lets a network of few open nodes spread its records wider, over nodes whom not everybody reaches."""

    records_want_max: int = 256
    """Records one get may ask for. Raising it costs memory during the get."""

    verified_max: int = 1024
    """Records read lately whose signatures are not checked again. Raising it costs about 200 bytes each."""

    get_many_max: int = 512
    """Keys sought together at once. Raising it costs time for the plan, and bursts of requests."""

    get_many_keys: int = 5
    """Keys asked of one peer in one datagram: as many records with values of 64 bytes as its answer has room for.
    Raising it saves datagrams where values are shorter, and asks again for the rest where they are longer."""

    records_max: int = 4096
    """Records held for the network. Raising it costs up to 1.2 KiB each."""

    record_bytes_max: int = 4 * 1024 * 1024
    """Bytes of records held for the network. Raising it costs that memory."""

    records_per_key_max: int = 256
    """Owners under one key. Raising it lets a popular capability list more providers, and costs pages to read."""

    spread_reads_max: int = 40
    """Shards of crowded keys that one search reads. Raising it finds more of very many providers, and lets a liar who
    calls a key crowded cost more lookups."""

    crowded_keys_max: int = 1024
    """Keys remembered as crowded. Raising it costs about 100 bytes each."""

    crowded_life_s: float = 600.0
    """How long they are. Raising it reads empty shards for longer where a crowd is gone."""

    records_per_owner_max: int = 256
    """Records of one owner. Raising it lets one key fill more of the store."""

    records_per_subnet_max: int = 1024
    """Records stored by peers of one public /24 or /48, or by all that come through relays: a quarter of all. Raising
    it lets one network operator fill more of the store; lowering it refuses what holders there hand on for others."""

    record_ttl_s_max: int = 86_400
    """Longest life of a record here, whatever it asks for. Raising it keeps abandoned records longer."""

    republish_fraction: float = 2 / 3
    """Part of its life after which a published record is put again. Raising it leaves less time to retry."""

    republish_retry_s: float = 5.0
    """Wait before a failed publication is tried again; doubles up to a tenth of the life of the record."""

    change_s_min: float = 5.0
    """Least time between two publications of a record whose owner changes what it says. Raising it lets others read
    older news; lowering it costs about ten requests each."""

    publishing_max: int = 8
    """Own records, or regions of them, that are published at the same time. Raising it costs bursts."""

    region_records_max: int = 256
    """Own records published with one lookup. Raising it saves lookups when thousands lie together, and costs time:
    each holder gets them one datagram after the other, all within `lookup_timeout_s`."""

    handover_delay_s: float = 1.0
    """Wait before records are handed to new nearer contacts, so that a burst of joins is one pass over the store."""

    handovers_max: int = 256
    """Records handed over in one pass. Raising it makes joins burstier on the network."""

    repair_s: float = 1200.0
    """Period in which a node compares its records with some neighbours; half of it may be left out. Raising it saves
    traffic, and lets holders lack a record for longer."""

    repair_peers_max: int = 4
    """Neighbours compared with in a period, in turn. Raising it costs a round trip each, often with a handshake."""

    repair_soon_s: float = 5.0
    """Wait before the keys of a dead holder are offered to who holds them now, times our place among the living
    holders. Raising it lets the nearer ones be done before the farther ones ask, and leaves a copy less for longer."""

    repair_deaths_max: int = 32
    """Deaths mended at once. Raising it makes repair burstier when a whole network dies."""

    repair_records_max: int = 256
    """Copies given in one comparison. Raising it costs a kilobyte each; what is left comes in the next period."""

    repair_answers_max: int = 60
    """Comparisons answered in a minute. Raising it lets neighbours cost more CPU, up to 0.1 s each with
    a full store."""

    repairs_max: int = 2
    """Copies one get may place at holders that lack the record. Raising it costs a kilobyte each."""

    tokens_max: int = 128
    """Write tokens of peers kept, about 200 bytes each. Raising it saves more puts the round trip that fetches one."""

    copies_max: int = 256
    """Copies of hot records that others hold, up to 1.2 KiB each. Raising it costs that memory."""

    copy_life_s_max: float = 60.0
    """Longest life of such a copy. Raising it saves holders requests, and hides a newer record for longer."""

    copy_asked_min: int = 3
    """Requests for one record within `copy_window_s` that make it hot. Raising it leaves more of them to its holders;
    at 1 every stray get would cost another one."""

    copy_window_s: float = 10.0
    """Time over which requests are counted. Raising it takes what is less hot for hot."""

    copy_fetches_max: int = 8
    """Records fetched within that time. Raising it lets whoever asks for what nobody has cost more lookups."""

    copy_asked_keys_max: int = 1024
    """Records whose requests are counted within that time. Raising it costs about 200 bytes each."""

    listen_holders: int = 4
    """Holders that a listener registers at. Raising it costs a LISTEN each per refresh, and a push each per change."""

    listen_holders_max: int = 64
    """Holders that it registers at where sybils stand next to the key (listen_search.py). Raising it lets those who
    stand around cost more LISTENs and pushes; below 26 some honest ones may be left out."""

    listen_life_s: float = 300.0
    """Life of a registration here, and the longest that is relied upon there. Raising it saves refreshes; a listener
    whose holders all died hears nothing for as long."""

    listenings_max: int = 256
    """Keys listened to at once. Raising it costs a lookup per refresh each, and memory for what is listened to."""

    listen_owners_max: int = 256
    """Owners remembered per key listened to. Raising it costs up to 1.5 KiB each."""

    listeners_max: int = 2048
    """Registrations held for others. Raising it costs about 300 bytes each, and pushes when records change."""

    listeners_per_key_max: int = 256
    """Registrations for one key. Raising it lets one STORE cause more pushes."""

    listeners_per_peer_max: int = 64
    """Registrations of one peer. Raising it lets one peer fill more of them."""

    pushes_max: int = 64
    """Pushes in flight at once; more wait for an answer to one. Raising it makes changes of popular keys burstier."""

    token_rotation_s: float = 300.0
    """Period of the write token secret; a token lives one to two of them. Raising it lengthens replay."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or value > 0 or (value == 0 and field.name in MAY_BE_ZERO):
                continue
            raise ConfigError(f"dht.{field.name}", f"must be positive, is {value}")
        if self.store_quorum > self.value_replicas:
            raise ConfigError("dht.store_quorum", f"must be at most value_replicas, {self.value_replicas}")
        if self.silent_s_min > self.silent_s_max:
            raise ConfigError("dht.silent_s_min", f"must be at most silent_s_max, {self.silent_s_max}")
        if not self.window_min <= self.window_first <= self.window_max:
            limits = f"{self.window_min} and {self.window_max}"
            raise ConfigError("dht.window_first", f"must be between window_min and window_max, {limits}")
        if self.timeout_s_min > self.timeout_s_max:
            raise ConfigError("dht.timeout_s_min", f"must be at most timeout_s_max, {self.timeout_s_max}")
