"""The simulated network: delays, lines, NAT boxes, partitions, TCP; `network.py` puts them together."""

from .network import Network as Network
