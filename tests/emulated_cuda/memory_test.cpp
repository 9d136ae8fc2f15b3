#include "runtime/device/cuda/cuda_device.hpp"
#include "runtime/kernels/cuda/cuda_kernels.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

TEST_CASE("too little memory is an error with the memory wanted, used and free") {
  // The emulated GPU reports 1 GiB, all of it free.
  constexpr std::int64_t kMuch = std::int64_t{3} << 30;
  const std::string words =
      "out of GPU memory: 3.00 GiB are wanted; of 1.00 GiB, 0.00 are used and 1.00 free\n"
      "hint: use a smaller micro-batch, more recomputation, or more ranks";
  CudaDevice device(0);
  CHECK_THROWS_WITH(device.allocate(kMuch), words);
  cuda::Context context(0);
  CHECK_THROWS_WITH(context.workspace(kMuch), words);
  CHECK(context.workspace(1024) != nullptr);
}
