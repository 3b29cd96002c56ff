#!/usr/bin/env bash
# Install the Debian packages that tests and benchmarks use, only those that are missing.
# Without root, apt or network it says so and goes on: the tests that need a part are then skipped with
# the reason shown (with MESH99_TEST_ALL=1 a skip is a failure).
set -uo pipefail

packages=(
    chromium         # tests: WebRTC of a browser
    conntrack        # tests/natlab: a box that forgets its mappings
    coturn           # tests: stock TURN clients, a stock server, and another opinion about a NAT
    iproute2         # tests: network namespaces
    miniupnpd        # tests: a router that opens ports
    miniupnpd-nftables # its way to the kernel
    nats-server      # benchmarks: the broker that nats-py talks to
    nftables         # tests: address translation in network namespaces
    python3-opendht  # benchmarks: another DHT beside ours
    ruby             # tests: an Agent99 agent's HTTP against our registry
    ruby-sinatra     # tests: our client against a registry as Agent99's
    ruby-webrick     # the server that one runs on
    tcpdump          # tests: what a listener on the wire sees
)

missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "note: not installed: ${missing[*]} (needs root and apt-get)" >&2
    exit 0
fi

export DEBIAN_FRONTEND=noninteractive
for pause_s in 1 4 16; do
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
        exit 0
    fi
    sleep "$pause_s"
done
echo "note: apt-get could not install: ${missing[*]}" >&2
exit 0
