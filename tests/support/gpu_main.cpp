// The main of tests that need a GPU. Without a GPU it returns 77, and ctest counts them as skipped.
#include <cstdio>

#include "runtime/cuda/cuda_check.hpp"
#include "runtime/device/cuda/cuda_device.hpp"
#include "tests/support/run_tests.hpp"

namespace foreshard::test {

CudaDevice& gpu() {
  static CudaDevice device(0);
  return device;
}

}  // namespace foreshard::test

int main(int argc, char** argv) {
  constexpr int kSkipped = 77;
  try {
    foreshard::test::gpu();
  } catch (const foreshard::CudaError& error) {
    std::printf("skipped: no GPU to test on: %s\n", error.what());
    return kSkipped;
  }
  std::printf("on %s\n", foreshard::test::gpu().name().c_str());
  return foreshard::test::run_tests(argc, argv);
}
