#!/bin/sh
# Make the pictures of docs/simulations.md again: real runs, some minutes on two idle cores.
# What is there already is not run again: WORK=DIR docs/make_images.sh goes on where an earlier one was ended.
set -eu

docs=$(cd "$(dirname "$0")" && pwd)
work=${WORK:-$(mktemp -d)}

sweep() { mesh99 sim sweep "$@" --set expect=none || test $? = 1; }
run() { mesh99 sim run "$@" || test $? = 1; }

# Hops: the real code as far as it is quick, the model up to a million nodes.
sweep steady --set duration=1m --set workload.lookups_every=20s \
    --grid population.nodes=50,100,200,400,800 --seeds 1..2 --out "$work/hops/heap"
sweep steady --set duration=1m --set workload.lookups_every=20s --tier model \
    --grid population.nodes=100,1000,10000,100000,1000000 --seeds 1..2 --out "$work/hops/model"

# Churn: half of the sessions end within 3, 11 and 33 minutes.
sweep churn --nodes 100 --hours 0.2 --set workload.lookups_every=1m \
    --grid churn.session.scale=5m,20m,1h --seeds 1..2 --out "$work/churn"

run partition --nodes 100 --seed 7 --out "$work/partition"
run join --tier agents --nodes 60 --baseline --out "$work/beside"

for kind in hops churn partition beside; do
    mesh99 sim report "$work/$kind" --out "$work/$kind.html" --png "$work/png/$kind"
done
mkdir -p "$docs/images"
cp "$work/png/hops/hops-against-nodes.png" "$work/png/churn/success-against-churn.png" \
    "$work/png/partition/over-time-partition.png" "$work/png/beside/lookup-latency.png" "$docs/images"
