#!/usr/bin/env bash
# Two groups of ranks share a link between four hosts made of namespaces (hosts.sh): how long they take beside each other,
# and how long the simulator's flow network says (shared_link.cpp).
#
#   shared_link_test.sh SHARED_LINK WIRE MPIRUN [figures]
#
# Measured times are printed and decide nothing. With "figures" the prediction must be within 15%.
set -euo pipefail
tool=$1
wire=$2
mpirun=$3
limit=$([[ ${4:-} == figures ]] && echo 0.15 || echo 0)
# shellcheck source=tests/hosts/hosts.sh
source "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"
rate_mbit=200
# Ranks run before other programs of the machine, which may be busy: it is the network that is measured.
first=(chrt -r 1)
"${first[@]}" true 2>/dev/null || first=()

make_hosts 4 "$wire" $rate_mbit 1000 $rate_mbit
on host1 "${first[@]}" "$mpirun" --host host1:1,host2:1,host3:1,host4:1 -n 4 --map-by slot "$tool" "$limit" </dev/null
