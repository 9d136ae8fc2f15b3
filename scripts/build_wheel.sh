#!/usr/bin/env bash
# Builds a wheel of the Python package with the library and the bundled configs in it: build/wheel/foreshard-….whl. It
# fits machines with this one's processor and distribution, whose yaml-cpp and fmt the library needs.
#
#   scripts/build_wheel.sh LIBFORESHARD.SO      needs python3 with setuptools and wheel
# shellcheck source=scripts/common.sh
library=$(realpath "${1:?usage: build_wheel.sh LIBFORESHARD.SO}")
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

rm -rf build/wheel
mkdir -p build/wheel
cp -r cli/python/. build/wheel/
cp "$library" build/wheel/foreshard/libforeshard.so
mkdir build/wheel/foreshard/configs
for kind in models accelerators clusters jobs measured; do cp -r "configs/$kind" build/wheel/foreshard/configs/; done

make_wheel() {
  (cd build/wheel && python3 -c "
import sysconfig
from setuptools import build_meta
platform = sysconfig.get_platform().replace('-', '_').replace('.', '_')
build_meta.build_wheel('.', {'--build-option': ['--plat-name', platform]})")
}
step "building the wheel" make_wheel
say "$(ls build/wheel/*.whl)"
