#!/usr/bin/env bash
# Packs what has been built, and the libraries it needs but CUDA's, so that it runs on a machine that has a GPU but
# neither compiler nor libraries. There, unpacked: ./gpu.sh
#
#   scripts/pack_for_gpu.sh BUILD ARCHIVE.tar.gz    (or .tar.xz: half the size)
set -euo pipefail
build=$(realpath "$1")
archive=$(realpath -m "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bundle=$(mktemp -d)
trap 'rm -rf "$bundle"' EXIT
mkdir -p "$bundle"/{bin,lib,openmpi,tests}

for program in "$build"/bin/{foreshard-run,foreshard,cuda_kernels_test,cuda_steps_test,cuda_bench,nccl_probe} "$build"/bin/libforeshard-cuda.so; do
  [[ -e $program ]] && cp "$program" "$bundle/bin/"
done
strip "$bundle"/bin/*
cp "$(command -v orterun)" "$(command -v orted)" "$bundle/bin/"
ln -s orterun "$bundle/bin/mpirun"
cp -r /usr/lib/*-linux-gnu/openmpi/lib/openmpi3 "$bundle/openmpi/lib"
cp -rL /usr/share/openmpi "$bundle/openmpi/share"
cp -r configs "$bundle/"
cp scripts/gpu.sh tests/bench/*.py "$bundle/" 2>/dev/null || cp scripts/gpu.sh "$bundle/"

# Everything that a program or a plugin is linked with, but the C library's own and CUDA's.
for file in "$bundle"/bin/* "$bundle"/openmpi/lib/*.so; do ldd "$file" 2>/dev/null || true; done |
  awk '$3 ~ /^\// {print $3}' | sort -u |
  grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*)\.so|/cuda' |
  while read -r library; do cp -L "$library" "$bundle/lib/"; done

tar -C "$bundle" -caf "$archive" .
echo "packed $(du -h "$archive" | cut -f1) into $archive"
