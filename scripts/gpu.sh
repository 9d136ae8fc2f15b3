#!/usr/bin/env bash
# Tests and measures on a GPU, with what scripts/pack_for_gpu.sh has packed, in a few minutes.
#
#   ./gpu.sh [STEP…]     tests, ranks, sanitizer, bench, shard; all of them unless said
#
# CUDA's libraries are taken from LD_LIBRARY_PATH, from /usr/local/cuda, or from Python's packages.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${OUT:-$PWD/results}
mkdir -p "$out"

find_libraries() {
  local roots=(/usr/local/cuda /opt "$(python3 -c 'import site; print(site.getsitepackages()[0])' 2>/dev/null)")
  for name in libcublasLt.so.13 libcudnn.so.9 libnccl.so.2; do
    find -L "${roots[@]}" -name "$name" -not -path '*/stubs/*' 2>/dev/null | head -1 | xargs -r dirname
  done | sort -u | paste -sd:
}
export LD_LIBRARY_PATH=$PWD/lib:${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$(find_libraries)
export FORESHARD_CONFIGS=$PWD/configs OPENBLAS_NUM_THREADS=1
export OPAL_PREFIX=$PWD/openmpi OMPI_MCA_mca_base_component_path=$PWD/openmpi/lib
export OPAL_DATADIR=$PWD/openmpi OPAL_PKGDATADIR=$PWD/openmpi/share OPAL_BINDIR=$PWD/bin OPAL_LIBDIR=$PWD/lib
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export OMPI_MCA_hwloc_base_binding_policy=none PATH=$PWD/bin:$PATH

step() {
  local name=$1
  shift
  echo "== $name"
  local begin=$SECONDS code=0
  "$@" >"$out/$name.txt" 2>&1 || code=$?
  tail -n "${LINES_SHOWN:-25}" "$out/$name.txt"
  echo "== $name: exit code $code after $((SECONDS - begin)) s"
}

run_tests() { step tests ./bin/cuda_kernels_test; }
run_sanitizer() { step sanitizer compute-sanitizer --error-exitcode 9 ./bin/cuda_kernels_test "*wide rows*,*gated layer*"; }
run_bench() { step bench ./bin/cuda_bench; }

steps=("$@")
[[ $# -gt 0 ]] || steps=(tests ranks sanitizer bench shard)
for each in "${steps[@]}"; do "run_$each"; done
