"""mesh99 side by side with its peers: `python -m benchmarks.messaging`, `python -m benchmarks.dht`."""
