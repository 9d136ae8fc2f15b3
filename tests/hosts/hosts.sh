# shellcheck shell=bash
# Hosts made of namespaces, for the tests in this folder, which source it. A host has a name and a network of its own
# (UTS and network namespaces), shared memory and /etc/hosts of its own (mount namespace), and shares the cores, the other
# files and the process ids of this machine. Two networks join the hosts:
#   mgmt0  veth pairs and a bridge, unshaped: on it mpirun starts processes and watches over them
#   data0  through the program wire, which shapes rate and latency: messages between ranks
# Host i is host$i, 10.98.0.$i on mgmt0 and 10.99.0.$i on data0.

skip() {
  echo "skipped: $1"
  exit 77
}

scratch=$(mktemp -d)
helpers=()  # processes that this test started
# Processes end with the test, whatever its end; namespaces end with their last process.
end_hosts() {
  local host
  for host in "$scratch"/*.pid; do
    processes_of "$(basename "$host" .pid)" | xargs -r kill -KILL || true
  done 2>/dev/null
  kill -KILL "${helpers[@]}" 2>/dev/null || true
  rm -rf "$scratch"
}
trap end_hosts EXIT

# processes_of HOST: all processes on its network but the one that holds it
processes_of() {
  local holder space
  holder=$(cat "$scratch/$1.pid")
  space=$(readlink "/proc/$holder/ns/net")  # net:[4026531840]; find takes a pattern
  find /proc/[0-9]*/ns/net -lname "${space//[][]/?}" 2>/dev/null | cut -d / -f 3 | grep -vx "$holder" || true
}

on() { # on HOST COMMAND…: runs a command on a host
  local host=$1
  shift
  nsenter -t "$(cat "$scratch/$host.pid")" --net --uts --mount -- "$@"
}

# hold NAME: namespaces under a name, kept by a process that sleeps
hold() {
  unshare --net --uts --mount --propagation private -- sleep infinity &
  helpers+=($!)
  disown  # bash need not say how it ended
  echo $! >"$scratch/$1.pid"
  until [[ $(cat "/proc/$!/comm") == sleep ]]; do sleep 0.02; done
}

# make_hosts COUNT WIRE RATE_MBIT LATENCY_US [SHARED_MBIT]: see wire.cpp for the last three
make_hosts() {
  local count=$1 wire=$2 host
  shift 2
  command -v ip >/dev/null || skip "needs ip (Debian: iproute2)"
  [[ -w /dev/net/tun ]] || skip "needs /dev/net/tun"
  unshare --net --uts --mount true 2>/dev/null || skip "this machine permits no namespaces"
  hold switch
  on switch ip link add bridge type bridge 2>/dev/null || skip "this machine permits no bridges"
  on switch ip link set bridge up
  { echo 127.0.0.1 localhost; for ((i = 1; i <= count; ++i)); do echo "10.98.0.$i host$i"; done; } >"$scratch/etc_hosts"
  local pids=()
  for ((i = 1; i <= count; ++i)); do
    host=host$i
    hold "$host"
    pids+=("$(cat "$scratch/$host.pid")")
    on switch ip link add "mgmt$i" type veth peer name mgmt0 netns "${pids[-1]}" || skip "this machine permits no veth pairs"
    on switch ip link set "mgmt$i" master bridge up
    mkdir "$scratch/$host.shm"
    on "$host" sh -euc "hostname $host
      ip link set lo up
      ip link set mgmt0 up
      ip addr add 10.98.0.$i/24 dev mgmt0
      cd /proc/sys/net/ipv4
      echo 4096 4194304 16777216 | tee tcp_rmem >tcp_wmem
      echo 0 >tcp_slow_start_after_idle
      mount --bind $scratch/etc_hosts /etc/hosts
      mount --bind $scratch/$host.shm /dev/shm"
  done
  local priority=(chrt -f 50)
  "${priority[@]}" true 2>/dev/null || priority=()
  "${priority[@]}" "$wire" "$1" "$2" "${3:-0}" "${pids[@]}" >"$scratch/wire" 2>&1 &
  helpers+=($!)
  disown  # bash need not say how it ended
  for ((i = 0; i < 100; ++i)); do
    [[ ! -s $scratch/wire ]] || break
    sleep 0.02
  done
  grep -q ready "$scratch/wire" || skip "the network between the hosts: $(cat "$scratch/wire")"
  for ((i = 1; i <= count; ++i)); do
    on "host$i" sh -euc "ip link set data0 address 02:00:00:00:00:0$i mtu 9000 up
      ip addr add 10.99.0.$i/24 dev data0"
  done
}

# What mpirun needs: how to reach a host, and over which network messages go.
cat >"$scratch/agent" <<AGENT
#!/bin/sh
host=\$1
shift
exec nsenter -t "\$(cat $scratch/\$host.pid)" --net --uts --mount -- sh -c "\$*"
AGENT
chmod +x "$scratch/agent"
export OMPI_MCA_plm_rsh_agent=$scratch/agent OMPI_MCA_oob_tcp_if_include=mgmt0
export OMPI_MCA_btl=self,vader,tcp OMPI_MCA_btl_tcp_if_include=data0 OMPI_MCA_pml=ob1
# Else each rank's request for the other's message waits behind its own message (docs/how_to/several_nodes.md).
export OMPI_MCA_btl_tcp_flags=send,inplace
