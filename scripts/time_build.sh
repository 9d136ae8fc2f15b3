#!/usr/bin/env bash
# Builds from nothing, without a compiler cache, and prints the compilers' CPU seconds by folder and the ten slowest
# objects.
#
#   scripts/time_build.sh [PRESET]     ci if unsaid; a folder of its own is built in and removed again
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

preset=${1:-ci}
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
export CCACHE_DISABLE=1 FORESHARD_BUILD_TIMES=$build/times
launcher=$build/timed
# ninja starts every compiler through this, which notes user and system seconds beside the object's name.
cat >"$launcher" <<'LAUNCHER'
#!/usr/bin/env bash
TIMEFORMAT='%U %S'
object=''
for ((i = 1; i < $#; ++i)); do [[ ${!i} == -o ]] && { j=$((i + 1)); object=${!j}; }; done
{ spent=$( { time "$@" >&3 2>&4; } 2>&1 ) || status=$?; } 3>&1 4>&2
printf '%s %s\n' "$spent" "$object" >>"$FORESHARD_BUILD_TIMES"
exit "${status:-0}"
LAUNCHER
chmod +x "$launcher"

step "configuring" cmake --preset "$preset" -B "$build/tree" \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" -DCMAKE_CUDA_COMPILER_LAUNCHER="$launcher"
: >"$FORESHARD_BUILD_TIMES"
begin=$SECONDS
targets=()
case $preset in
  tools) targets=(--target foreshard) ;;
  runtime) targets=(--target foreshard foreshard-run) ;;
esac
step "building" cmake --build "$build/tree" "${targets[@]}"
wall=$((SECONDS - begin))

# An object is FOLDER/CMakeFiles/TARGET.dir/SOURCE.o, or FOLDER/CMakeFiles/TARGET.dir/Unity/….
awk -v wall="$wall" -v cores="$(nproc)" '
  {seconds = $1 + $2; split($3, part, "/CMakeFiles/"); total += seconds; objects++; by[part[1]] += seconds; count[part[1]]++}
  END {
    printf "%d objects, %.0f CPU seconds, %d s on %d cores\n\n", objects, total, wall, cores
    for (folder in by) printf "%8.1f  %4.1f%%  %4d objects  %s\n", by[folder], 100 * by[folder] / total, count[folder], folder | "sort -rn"
    close("sort -rn")
  }' "$FORESHARD_BUILD_TIMES"
printf '\nthe slowest objects\n'
awk '{printf "%8.1f  %s\n", $1 + $2, $3}' "$FORESHARD_BUILD_TIMES" | sort -rn | head -n 10
