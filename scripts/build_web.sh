#!/usr/bin/env bash
# Builds the planner as a page for the browser: build/web/foreshard.html, one file that opens from a disk. It needs
# Emscripten (Debian: emscripten), node, and apt-get for the sources of three libraries, which are checked by hash.
#
#   scripts/build_web.sh
# shellcheck source=scripts/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$PWD/build/web
sources=$folder/sources

for tool in emcmake node; do
  if ! command -v "$tool" >/dev/null; then
    say "build_web.sh needs $tool (Debian: apt-get install --no-install-recommends emscripten)"
    exit 3
  fi
done

# Of each source package of Debian 12: its name, its folder here, the hash of its archive.
packages=(
  "yaml-cpp yaml-cpp dc63708605404e0b963e0ca3a9619d1c8270eda2839603e6fa0384e5e51e5312"
  "fmtlib fmt 84ce1c2d0be3a9863935137969dcec6970125caac032f82474640bfc81463583"
  "zlib zlib 71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1"
)

# Downloads the archives. The lists of sources are read into a folder of their own: the machine's settings stay.
download_sources() {
  local lists=$folder/apt
  mkdir -p "$lists/parts" "$lists/lists/partial" "$folder/archives"
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    case $file in
      *.sources) sed 's/^Types:.*/Types: deb-src/' "$file" >"$lists/parts/$(basename "$file")" ;;
      *.list) sed -n 's/^deb /deb-src /p' "$file" >"$lists/parts/$(basename "$file")" ;;
    esac
  done
  local options=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$lists/parts" -o "Dir::State::lists=$lists/lists"
    -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update
  (cd "$folder/archives" && apt-get "${options[@]}" source --download-only "${packages[@]%% *}")
}

unpack_sources() {
  local package name archive hash
  rm -rf "$sources"
  mkdir -p "$sources/include"
  for package in "${packages[@]}"; do
    read -r package name hash <<<"$package"
    archive=$(ls "$folder/archives/$package"_*.orig.tar.*)
    echo "$hash  $archive" | sha256sum --check --quiet
    mkdir "$sources/$name"
    tar -xf "$archive" -C "$sources/$name" --strip-components=1
  done
  # Headers without compiled parts come from the machine's packages.
  ln -s /usr/include/boost /usr/include/nlohmann "$sources/include/"
}

if [[ ! -d $sources/include ]]; then
  step "downloading the libraries' sources" download_sources
  step "unpacking them" unpack_sources
fi
# Emscripten's Debian package has its JavaScript modules where only Debian's own node looks.
export NODE_PATH=/usr/share/nodejs${NODE_PATH:+:$NODE_PATH}
step "configuring" emcmake cmake -S . -B "$folder/module" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DFORESHARD_WEB_SOURCES="$sources" -DFORESHARD_TESTS=OFF -DFORESHARD_RUNTIME=OFF -DFORESHARD_HARDEN=OFF \
  -DFORESHARD_UNITY_BATCH=12 -DFORESHARD_LIBRARY_LEVEL=-O1 -DFORESHARD_FILES_LEVEL=-Os
step "compiling to WebAssembly" cmake --build "$folder/module" --target foreshard_web

# With the charts that CMake has fetched, as reports have them.
charts=$(find build/charts -maxdepth 1 -name 'echarts-*.js' 2>/dev/null | head -n 1)
step "packing the page" node cli/web/pack_page.mjs "$folder" "$charts" "$folder/foreshard.html"
say "$folder/foreshard.html: $(du -h "$folder/foreshard.html" | cut -f1), compressed $(gzip -9c "$folder/foreshard.html" | wc -c) bytes"
