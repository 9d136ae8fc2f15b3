#!/usr/bin/env bash
# Runs foreshard-run on hosts made of namespaces, joined by links of known rate and latency (hosts.sh, wire.cpp).
#
#   hosts_test.sh FORESHARD_RUN JOB WIRE MPIRUN [figures]
#
# Two hosts of two ranks: calibrate sees the links, the sharded step is the unsharded step with tp inside hosts and dp or
# pp across them, a link that is cut ends the run with a message, and so does a host that is gone.
# Measured times are printed and decide nothing. With "figures" there are also hosts of one rank, two and four of them, and
# a link's bandwidth and latency must be found within 10%.
set -euo pipefail
tool=$1
job=$2
wire=$3
mpirun=$4
figures=${5:-}
# shellcheck source=tests/hosts/hosts.sh
source "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"
rate_mbit=200
latency_us=1000
# Ranks run before other programs of the machine, which may be busy: it is the network that is measured.
first=(chrt -r 1)
"${first[@]}" true 2>/dev/null || first=()

fail() {
  printf 'hosts_test.sh: %s\nprinted was:\n' "$1"
  cat "$scratch/printed"
  exit 1
}
# start HOSTS RANKS ARGUMENT…: foreshard-run on hosts, as in host1:2,host2:2
start() {
  local hosts=$1 ranks=$2
  shift 2
  on host1 "${first[@]}" "$mpirun" --host "$hosts" -n "$ranks" --map-by slot "$tool" "$@" >"$scratch/printed" 2>&1 </dev/null
}
says() { grep -qE -- "$1" "$scratch/printed" || fail "nothing matches: $1"; }

# near WHAT MEASURED EXPECTED LIMIT: the limit is a share, and holds with figures
near() {
  awk -v what="$1" -v got="$2" -v right="$3" -v limit="$4" -v figures="$figures" 'BEGIN {
    error = got / right - 1
    printf "%s: %.4g, set %.4g (%+.1f%%)\n", what, got, right, 100 * error
    exit !(got > 0 && (figures == "" || error * error <= limit * limit))
  }' || fail "$1 is off by more than $4"
}
# value KEY: of the network in the cluster file, in MB/s or ms
value() {
  sed -n '/^network:/,$p' "$scratch/cluster.yaml" | awk -v key="$1:" '$1 == key {
    scale["kB/s"] = 1e-3; scale["MB/s"] = 1; scale["GB/s"] = 1e3; scale["us"] = 1e-3; scale["µs"] = 1e-3; scale["ms"] = 1
    print $2 * scale[$3]; exit }'
}
# Payload of a link: of 9,000 bytes, 52 are headers of IP and TCP; 38 more surround a frame.
payload_share=$(awk 'BEGIN {print 8948 / 9038}')

# calibrated HOSTS RANKS_PER_HOST: the network in the file against the one that was made
calibrated() {
  local hosts='' per=$2
  for ((i = 1; i <= $1; ++i)); do hosts+=${hosts:+,}host$i:$per; done
  start "$hosts" $(($1 * per)) calibrate --quick --out "$scratch/cluster.yaml" || fail 'calibrate failed'
  says "^cluster: $1 hosts of $per rank"
  grep -E 'across hosts' "$scratch/printed"
  near "$1 hosts of $per: bandwidth of the network per rank, MB/s" "$(value bandwidth_per_device)" \
    "$(awk -v mbit=$rate_mbit -v per="$per" -v share="$payload_share" 'BEGIN {print mbit / 8 / per * share}')" 0.1
  near "$1 hosts of $per: latency of the network, ms" "$(value latency)" \
    "$(awk -v us=$latency_us 'BEGIN {print us / 1e3}')" 0.1
}

# validated PARALLELISM: the step on two hosts of two ranks
validated() {
  start host1:2,host2:2 4 validate "$job" --cluster "$scratch/cluster.yaml" --basis both --steps 5 \
    --set training.sequence_length=256 --set parallelism="$1" || fail "validate with $1 failed"
  says 'equal the unsharded run \(worst .*\) ✓'
  says 'planned ✓'
  printf '%s: %s; %s\n' "$1" "$(grep -E '^  step ' "$scratch/printed" | tr -s ' ')" \
    "$(grep -oE 'replay: .*' "$scratch/printed")"
}

ranks_of() { processes_of "$1" | xargs -r ps -o pid= -o comm= | awk -v name="$(basename "$tool")" '$2 == substr(name, 1, 15) {print $1}'; }
# within SECONDS COMMAND…: waits until the command succeeds
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}
has_no_processes() { [[ -z $(processes_of host2) ]]; }
has_no_ranks() { [[ -z $(ranks_of host1)$(ranks_of host2) ]]; }
has_ranks() { [[ -n $(ranks_of host1) && -n $(ranks_of host2) ]]; }
has_message() { grep -q '^no progress for 3 s; the run is ended$' "$scratch/printed"; }

# sever DEVICE…: these devices of the second host go down in the middle of a run
sever() {
  local device began
  start host1:1,host2:1 2 validate "$job" --steps 100000 --no-numerics --timeout 3 &
  run=$!
  within 60 has_ranks || fail 'no ranks are there'
  sleep 5
  for device in "$@"; do on host2 ip link set "$device" down; done
  began=$SECONDS
  within 60 has_message || fail "$* down: no message"
  within 30 has_no_ranks || fail "$* down: ranks are left"
  printf '%s of host2 down: ended %d s later\n' "$*" $((SECONDS - began))
}
a_cut_link() {
  local code=0
  sever data0
  wait $run || code=$?
  ((code == 3)) || fail "data0 down: exit code $code, not 3"
  says '^  rank [01] on host host[12]: (for [0-9]+ s|.*waiting)'
  within 20 has_no_processes || fail 'processes are left on the second host'
  on host2 ip link set data0 up
}
# A host that is gone for mpirun too, which goes on waiting for it: only the ranks end by themselves.
a_lost_host() {
  sever data0 mgmt0
  says '^  rank 1 on host host2: does not answer since [0-9]+ s'
  { processes_of host1 && processes_of host2; } | xargs -r kill -KILL 2>/dev/null || true
  wait $run 2>/dev/null || true
  on host2 ip link set data0 up
  on host2 ip link set mgmt0 up
}

if [[ -n $figures ]]; then make_hosts 4 "$wire" $rate_mbit $latency_us; else make_hosts 2 "$wire" $rate_mbit $latency_us; fi
a_cut_link
a_lost_host
calibrated 2 2
validated '{tp: 2, dp: 2}'
validated '{tp: 2, pp: 2}'
[[ -z $figures ]] || calibrated 2 1
[[ -z $figures ]] || calibrated 4 1
