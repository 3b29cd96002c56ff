"""A lookup, whatever its peers do: it ends, keeps to its parallelism, asks nobody twice, and is exact if it can be."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mesh99.dht.lookup import Candidate, Lookup, State
from mesh99.wire.contact import Contact
from mesh99.wire.endpoint import Endpoint
from mesh99.wire.identity import NodeId, PublicKey

ID_BITS = 256
OWN_ID = NodeId(bytes(32))
K = 8
KINDS = ("honest", "dead", "slow", "slow then dead", "liar")


def contact_of(number: int) -> Contact:
    """Return a contact with an id of its own choosing."""
    contact = Contact(PublicKey(number.to_bytes(32, "big")), Endpoint("udp", "127.0.0.1", 7400))
    contact.node_id = NodeId(number.to_bytes(32, "big"))
    return contact


class Peers:
    """Nodes that know all others (or invent some), and a driver that lets one lookup run among them."""

    def __init__(
        self, seed: int, kinds: list[str], *, parallelism: int, wide: int, requests_max: int
    ) -> None:
        self.random = Random(seed)
        self.target = self.random.getrandbits(ID_BITS)
        self.contacts = {contact.node_id: contact for contact in map(contact_of, self._numbers(len(kinds)))}
        self.kind_of = dict(zip(self.contacts, kinds, strict=True))
        self.under_way: list[Candidate] = []
        self.asked: list[NodeId] = []
        self.parallelism, self.wide = parallelism, wide
        seeds = self.random.sample(list(self.contacts.values()), min(3, len(self.contacts)))
        self.seeds = [seed.node_id for seed in seeds]
        self.lookup = Lookup(
            self.target,
            seeds,
            OWN_ID,
            count=K,
            parallelism=parallelism,
            parallelism_wide=wide,
            requests_max=requests_max,
        )

    def run(self) -> int:
        """Let things happen in any order until the lookup is finished or nothing can happen; return the steps."""
        steps = 0
        while True:
            self._ask()
            if self.lookup.finished or not self.under_way:
                return steps
            steps += 1
            self._happen(self.under_way.pop(self.random.randrange(len(self.under_way))))

    def nearest(self, kinds: tuple[str, ...]) -> list[NodeId]:
        """Return the true nearest of some kinds."""
        ids = [node_id for node_id, kind in self.kind_of.items() if kind in kinds]
        return sorted(ids, key=lambda node_id: self.contacts[node_id].number ^ self.target)[:K]

    def _numbers(self, count: int) -> list[int]:
        return [self.random.getrandbits(ID_BITS) | 1 for _ in range(count)]

    def _ask(self) -> None:
        while (candidate := self.lookup.next()) is not None:
            self.asked.append(candidate.contact.node_id)
            self.under_way.append(candidate)
            waiting = sum(each.state is State.WAITING for each in self.under_way)
            assert waiting == self.lookup.waiting
            assert waiting <= (self.wide if self.lookup.wide else self.parallelism)

    def _happen(self, candidate: Candidate) -> None:
        kind = self.kind_of.get(candidate.contact.node_id, "dead")
        if kind.startswith("slow") and candidate.state is State.WAITING:
            self.lookup.slow(candidate)
            self.under_way.append(candidate)
        elif kind.endswith("dead"):
            self.lookup.failed(candidate)
        else:
            named = self._invented() if kind == "liar" else self._known()
            self.lookup.answered(candidate, named)

    def _known(self) -> list[Contact]:
        ids = self.nearest(KINDS)
        return [self.contacts[node_id] for node_id in ids]

    def _invented(self) -> list[Contact]:
        """Name nodes that do not exist, each nearer to the target than any that does; and the asker itself."""
        near = [contact_of(self.target ^ self.random.getrandbits(64)) for _ in range(K)]
        own = contact_of(1)
        own.node_id = OWN_ID
        return [*near, own]


any_peers = st.lists(st.sampled_from(KINDS), min_size=1, max_size=60)
seeds = st.integers(0, 2**32)
narrow = st.integers(1, 5)
widths = st.integers(5, 12)


@given(seeds, any_peers, narrow, widths, st.integers(1, 100))
def test_it_ends_asks_nobody_twice_and_keeps_its_bounds(
    seed: int, kinds: list[str], parallelism: int, wide: int, requests_max: int
) -> None:
    peers = Peers(seed, kinds, parallelism=parallelism, wide=wide, requests_max=requests_max)
    steps = peers.run()
    assert peers.lookup.finished
    assert len(peers.asked) == len(set(peers.asked)) <= requests_max
    assert OWN_ID not in peers.asked
    assert steps <= 2 * len(peers.asked)  # each is slow once at most, and then answers or fails


@given(seeds, st.integers(1, 60), narrow, widths)
def test_where_everybody_knows_all_the_result_is_the_true_nearest(
    seed: int, count: int, parallelism: int, wide: int
) -> None:
    peers = Peers(seed, ["honest"] * count, parallelism=parallelism, wide=wide, requests_max=128)
    peers.run()
    found = [candidate.contact.node_id for candidate in peers.lookup.nearest_answered()]
    assert found == peers.nearest(("honest",))


@given(seeds, st.lists(st.sampled_from(("honest", "slow")), min_size=1, max_size=60), narrow, widths)
def test_slow_peers_change_nothing_in_the_result(
    seed: int, kinds: list[str], parallelism: int, wide: int
) -> None:
    peers = Peers(seed, kinds, parallelism=parallelism, wide=wide, requests_max=128)
    peers.run()
    found = [candidate.contact.node_id for candidate in peers.lookup.nearest_answered()]
    assert found == peers.nearest(("honest", "slow"))


@given(seeds, any_peers, narrow, widths)
def test_the_result_is_of_those_who_answered_in_order(
    seed: int, kinds: list[str], parallelism: int, wide: int
) -> None:
    peers = Peers(seed, kinds, parallelism=parallelism, wide=wide, requests_max=128)
    peers.run()
    found = peers.lookup.nearest_answered()
    assert [each.distance for each in found] == sorted(each.distance for each in found)
    assert all(peers.kind_of[each.contact.node_id] in ("honest", "slow", "liar") for each in found)


@given(seeds, st.lists(st.sampled_from(("honest", "liar")), min_size=1, max_size=40), narrow, widths)
def test_invented_contacts_hide_nobody_who_was_named_by_an_honest_one(
    seed: int, kinds: list[str], parallelism: int, wide: int
) -> None:
    peers = Peers(seed, kinds, parallelism=parallelism, wide=wide, requests_max=10_000)
    peers.run()
    found = {candidate.contact.node_id for candidate in peers.lookup.nearest_answered()}
    if any(peers.kind_of.get(node_id) == "honest" for node_id in peers.asked):
        assert found == set(peers.nearest(("honest", "liar")))
