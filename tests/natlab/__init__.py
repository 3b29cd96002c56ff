"""Real NATs on one machine: network namespaces for hosts and boxes, nftables in the boxes, delay in between.

`python -m tests.natlab --help` says how to use it from a shell; in a test write `with Lab(["port", "sym"]) as lab:`.
Nothing in a lab has a way out of the machine. Needs root, and the Debian packages in `tests/install_debian.sh`.
"""
