#include "tests/emulated_cuda/blocks.hpp"

#include <stdexcept>
#include <vector>

#include "tests/support/catch.hpp"

// Tests of the emulation: kernels with known results, and two faulty kernels.

TEST_CASE("every thread of every block runs once with its own indices", "[emulated_cuda]") {
  std::vector<int> runs(3 * 2 * 8 * 4, 0);
  emulated_cuda::run_blocks(dim3(3, 2), dim3(8, 4), 0, [&] {
    const unsigned block = blockIdx.y * gridDim.x + blockIdx.x;
    const unsigned thread = threadIdx.y * blockDim.x + threadIdx.x;
    ++runs[block * 32 + thread];
  });
  CHECK(runs == std::vector<int>(runs.size(), 1));
}

TEST_CASE("after a barrier, threads see what others wrote before it", "[emulated_cuda]") {
  std::vector<float> reversed(96);
  emulated_cuda::run_blocks(1, 96, 96 * sizeof(float), [&] {
    emulated_cuda::dynamic_shared()[threadIdx.x] = static_cast<float>(threadIdx.x);
    __syncthreads();
    reversed[threadIdx.x] = emulated_cuda::dynamic_shared()[95 - threadIdx.x];
  });
  for (std::size_t i = 0; i < 96; ++i) CHECK(reversed[i] == static_cast<float>(95 - i));
}

TEST_CASE("lanes of a warp exchange numbers", "[emulated_cuda]") {
  // The sum over a warp: 0 + 1 + … + 31 = 496, and 496 + 32·32 = 1520 for the second.
  std::vector<float> sums(64);
  std::vector<float> third(64);
  emulated_cuda::run_blocks(1, 64, 0, [&] {
    auto sum = static_cast<float>(threadIdx.x);
    third[threadIdx.x] = __shfl_sync(0xFFFFFFFFU, sum, 3);
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(0xFFFFFFFFU, sum, step);
    sums[threadIdx.x] = sum;
  });
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(sums[i] == (i < 32 ? 496.0F : 1520.0F));
    CHECK(third[i] == (i < 32 ? 3.0F : 35.0F));
  }
}

TEST_CASE("a missing barrier is found", "[emulated_cuda]") {
  // Without a barrier a thread may read what its neighbour has not written yet: memory is initialised with
  // NaN.
  bool some_missed = false;
  for (int run = 0; run < 8; ++run) {
    emulated_cuda::run_blocks(1, 64, 64 * sizeof(float), [&] {
      emulated_cuda::dynamic_shared()[threadIdx.x] = 1.0F;
      if (emulated_cuda::dynamic_shared()[(threadIdx.x + 1) % 64] != 1.0F) some_missed = true;
    });
  }
  CHECK(some_missed);
}

TEST_CASE("threads that wait at different barriers are found", "[emulated_cuda]") {
  CHECK_THROWS_AS(emulated_cuda::run_blocks(1, 32, 0,
                                            [] {
                                              if (threadIdx.x == 0) {
                                                __syncthreads();
                                              } else {
                                                __shfl_sync(0xFFFFFFFFU, 0.0F, 1);
                                              }
                                            }),
                  std::logic_error);
}
