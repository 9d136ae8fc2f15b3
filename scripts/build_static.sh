#!/usr/bin/env bash
# Builds foreshard as one program that needs no library of its machine: build/static/foreshard.tar.gz, with the bundled
# configs. It runs on any Linux from 3.2 on with this machine's kind of processor: unpack it anywhere.
#
#   scripts/build_static.sh
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$PWD/build/static
scripts/install_dependencies.sh plan
step "configuring" cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFORESHARD_STATIC=ON -DFORESHARD_TESTS=OFF \
  -DFORESHARD_RUNTIME=OFF -DFORESHARD_HARDEN=OFF -DFORESHARD_LIBRARY_LEVEL=-O1 -DFORESHARD_FILES_LEVEL=-O0
step "building" cmake --build "$folder" --target foreshard

# As it is installed elsewhere: foreshard/bin/foreshard, foreshard/share/foreshard/configs.
pack() {
  local tree=$folder/tree/foreshard
  rm -rf "$folder/tree"
  mkdir -p "$tree/bin" "$tree/share/foreshard/configs"
  strip -o "$tree/bin/foreshard" "$folder/bin/foreshard"
  for kind in models accelerators clusters jobs measured; do cp -r "configs/$kind" "$tree/share/foreshard/configs/"; done
  cp LICENSE "$tree/"
  if [[ -f build/web/foreshard.html ]]; then install -D -m 644 build/web/foreshard.html "$tree/share/foreshard/web/foreshard.html"; fi
  tar -C "$folder/tree" -czf "$folder/foreshard.tar.gz" foreshard
}
# No interpreter, no library; and it plans where nothing else is: without environment, from another folder.
check() {
  if readelf -l "$folder/tree/foreshard/bin/foreshard" | grep -q INTERP; then
    say "the program asks for a dynamic linker"
    return 1
  fi
  (cd / && env -i "$folder/tree/foreshard/bin/foreshard" plan llama3-70b-64h100)
}
step "packing" pack
step "checking" check
say "$folder/foreshard.tar.gz: $(du -h "$folder/foreshard.tar.gz" | cut -f1)"
