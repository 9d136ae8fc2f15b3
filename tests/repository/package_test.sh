#!/usr/bin/env bash
# Makes the Debian packages of a build, looks into them, runs what they bring from a directory of its own, installs and
# removes them there. Skipped (77) where Debian's tools are not.
#
#   package_test.sh BUILD_DIR [MPIRUN…]
set -euo pipefail
build_dir=$1
shift
mpirun=("$@")
for tool in dpkg dpkg-deb dpkg-shlibdeps cpack file; do
  if ! command -v "$tool" >/dev/null; then
    echo "skipped: there is no $tool here"
    exit 77
  fi
done
scratch=$(mktemp -d)
finish() {
  local code=$?
  if ((code != 0)); then tail -n 30 "$scratch/log"; fi
  rm -rf "$scratch"
}
trap finish EXIT
unset FORESHARD_CONFIGS

cpack --config "$build_dir/CPackConfig.cmake" -B "$scratch/packages" >"$scratch/log" 2>&1
cd "$scratch"
planner=(packages/foreshard_*.deb)
runner=(packages/foreshard-mpi_*.deb)

failed=0
complain() {
  echo "$1"
  failed=1
}
# has TEXT PATTERN WHAT
has() { grep -qE -e "$2" <<<"$1" || complain "$3: no '$2' in: $1"; }
lacks() { ! grep -qE -e "$2" <<<"$1" || complain "$3: '$2' in: $1"; }

# What comes with a tool, and works.
check_pages() { # TREE TOOL WORD LINE
  local tree=$1 tool=$2 offered
  has "$(gzip -dc "$tree/usr/share/man/man1/$tool.1.gz")" "^\.TH " "manual page of $tool"
  offered=$(PATH=$tree/usr/bin:$PATH COMP_LINE=$4 COMP_POINT=${#4} bash -c '
    source "$1"; COMP_WORDS=("$2"); "_${2//-/_}"; echo "${COMPREPLY[@]}"' bash \
    "$tree/usr/share/bash-completion/completions/$tool" "$tool")
  has "$offered" "$3" "completion of $tool"
  for file in "zsh/vendor-completions/_$tool" "fish/vendor_completions.d/$tool.fish"; do
    [[ -s $tree/usr/share/$file ]] || complain "there is no $file"
  done
}

dpkg-deb -x "${planner[0]}" tree
# It is this tree's configs that are found, not the sources' beside the build.
cp tree/usr/share/foreshard/configs/models/llama3-8b.yaml tree/usr/share/foreshard/configs/models/only-here.yaml
has "$(tree/usr/bin/foreshard list models --names)" '^only-here$' 'configs'
has "$(tree/usr/bin/foreshard plan llama3-70b-64h100)" 'where the step goes' 'a plan'
check_pages tree foreshard llama3-70b-64h100 'foreshard plan llama3-'
depends=$(dpkg-deb -f "${planner[0]}" Depends)
has "$depends" 'libc6 .*libyaml-cpp' 'what foreshard depends on'
lacks "$depends" 'mpi|blas' 'what foreshard depends on'
lacks "$(dpkg-deb -c "${planner[0]}")" '\.(a|hpp|cmake)$' 'what is in foreshard'

if ((${#mpirun[@]})); then
  dpkg-deb -x "${runner[0]}" tree
  has "$(dpkg-deb -f "${runner[0]}" Depends)" '^foreshard \(= .*openmpi-bin.*libopenmpi' 'what foreshard-mpi depends on'
  check_pages tree foreshard-run tiny-llama-laptop 'foreshard-run validate tiny-l'
  result=$("${mpirun[@]}" tree/usr/bin/foreshard-run validate tiny-llama-laptop --steps 1 --set training.sequence_length=64 \
    --set model.vocab=256 --set model.hidden=64 2>>log)
  has "$result" 'equal the unsharded run' 'a step under mpirun'
fi

# Installed and removed: nothing is left but dpkg's own books. Its dependencies are this machine's.
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p root/var/lib/dpkg/{info,updates,triggers}
touch root/var/lib/dpkg/{status,available}
in_root=(dpkg --root="$scratch/root" --log="$scratch/dpkg.log" --force-not-root --force-depends)
"${in_root[@]}" --install packages/*.deb >>log 2>&1
has "$(root/usr/bin/foreshard list jobs --names)" '^llama3-70b-64h100$' 'installed'
mapfile -t names < <(for package in packages/*.deb; do dpkg-deb -f "$package" Package; done)
"${in_root[@]}" --purge "${names[@]}" >>log 2>&1
left=$(find root -not -path 'root/var*' -mindepth 1)
[[ -z $left ]] || complain "removed, it leaves: $left"
exit $failed
