"""The Kademlia overlay: routing table, lookups, signed records. Sans-IO; `Dht` composes the rest."""

from .config import DhtConfig
from .dht import Dht
from .get import GetResult
from .messages import Outcome
from .publish import Publication
from .put import PutResult
from .rpc import Request
from .search import Hop, LookupResult

__all__ = [
    "Dht",
    "DhtConfig",
    "GetResult",
    "Hop",
    "LookupResult",
    "Outcome",
    "Publication",
    "PutResult",
    "Request",
]
