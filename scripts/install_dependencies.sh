#!/usr/bin/env bash
# Installs, on Debian and its kin, what is missing to build foreshard (and to test or lint it). Asks the package
# manager only when something is missing, and becomes root (by sudo) only then.
#
#   scripts/install_dependencies.sh PURPOSE…
#     plan     what the tool foreshard is built with
#     runtime  what foreshard-run needs on top: MPI and matrix products
#     test     what the tests need on top
#     hosts    what the tests of several hosts and of Slurm need on top; without it they skip
#     lint     what scripts/lint.sh needs on top
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

plan=(g++ cmake ninja-build libboost-dev libyaml-cpp-dev nlohmann-json3-dev libcli11-dev libfmt-dev zlib1g-dev)
runtime=(openmpi-bin libopenmpi-dev libopenblas-dev libdnnl-dev)
test=(git ccache catch2 libboost-context-dev clang-format procps groff-base zsh fish dpkg-dev file chromium)
hosts=(iproute2 slurmctld slurmd)
lint=(git clang-format clang-tidy)

packages=()
for purpose in "$@"; do
  case $purpose in
    plan) packages+=("${plan[@]}") ;;
    runtime) packages+=("${runtime[@]}") ;;
    test) packages+=("${test[@]}") ;;
    hosts) packages+=("${hosts[@]}") ;;
    lint) packages+=("${lint[@]}") ;;
    *)
      say "install_dependencies.sh: unknown purpose '$purpose'; allowed: plan, runtime, test, hosts, lint"
      exit 2
      ;;
  esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  say "No apt-get here, so nothing is installed. Needed, by their Debian names: ${packages[*]}"
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $status == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=(env DEBIAN_FRONTEND=noninteractive)
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    say "Missing packages: ${missing[*]}"
    say "There is no sudo here. As root, run: apt-get update && apt-get install ${missing[*]}"
    exit 3
  fi
  # Ask for the password here, where it can be seen; without a terminal, fail at once instead of waiting.
  if [[ -t 0 ]]; then sudo -v; fi
  as_root=(sudo -n "${as_root[@]}")
fi

install_missing() {
  # An index that could not be refreshed may still do; what cannot be installed may not.
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 update || echo "apt-get update failed; going on with the old index"
  "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}"
}
step "installing missing packages" install_missing
