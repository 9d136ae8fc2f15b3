// How a product of row-major matrices is expressed for a library whose matrices are column-major.
#include <vector>

#include "runtime/cuda/cuda_check.hpp"
#include "runtime/kernels/cuda/products.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using Catch::Matchers::Contains;

namespace {

alignas(16) std::byte memory[64];

GemmCall call_of(bool transpose_a, bool transpose_b) {
  return {.m = 2,
          .n = 3,
          .k = 5,
          .transpose_a = transpose_a,
          .transpose_b = transpose_b,
          .a = {memory, 10, DType::bf16},
          .b = {memory + 16, 15, DType::bf16},
          .c = {memory + 32, 6, DType::fp32}};
}

}  // namespace

TEST_CASE("C (2,3) = A (2,5)·B (5,3) is computed as Cᵀ (3,2) = Bᵀ·Aᵀ") {
  const cuda::ColumnProduct plain = cuda::column_product(call_of(false, false));
  CHECK(plain.rows == 3);
  CHECK(plain.columns == 2);
  CHECK(plain.inner == 5);
  // Row-major B is Bᵀ (3,5) in column-major order, A is Aᵀ (5,2): nothing to transpose.
  CHECK_FALSE(plain.transpose_first);
  CHECK(plain.first_rows == 3);
  CHECK_FALSE(plain.transpose_second);
  CHECK(plain.second_rows == 5);
  CHECK(plain.type == DType::bf16);
  CHECK(plain.result_type == DType::fp32);

  // Stored transposed: B row-major (3,5) is (5,3) in column-major order, A (5,2) is (2,5).
  const cuda::ColumnProduct transposed = cuda::column_product(call_of(true, true));
  CHECK(transposed.transpose_first);
  CHECK(transposed.first_rows == 5);
  CHECK(transposed.transpose_second);
  CHECK(transposed.second_rows == 2);
}

TEST_CASE("a product's alignment is the common alignment of its three addresses, 16 bytes at most") {
  GemmCall call = call_of(false, false);
  CHECK(cuda::column_product(call).alignment == 16);
  call.b.data = memory + 20;
  CHECK(cuda::column_product(call).alignment == 4);
  call.c.data = memory + 34;
  CHECK(cuda::column_product(call).alignment == 2);
}

TEST_CASE("products that need different algorithms are different keys") {
  const cuda::ColumnProduct one = cuda::column_product(call_of(false, false));
  CHECK(one == cuda::column_product(call_of(false, false)));
  GemmCall call = call_of(false, false);
  call.accumulate = true;
  CHECK_FALSE(one == cuda::column_product(call));
  call = call_of(false, true);
  CHECK_FALSE(one == cuda::column_product(call));
  call.a.type = DType::fp32;
  CHECK_THROWS_WITH(cuda::column_product(call), "gemm: a and b differ in dtype");
}

TEST_CASE("a CUDA error has the call, CUDA's text and a hint") {
  CHECK_NOTHROW(check_cuda(cudaSuccess, "cudaMalloc"));
  CHECK_THROWS_WITH(
      check_cuda(cudaErrorNoDevice, "cudaGetDeviceCount"),
      Contains("cudaGetDeviceCount failed") && Contains("cudaErrorNoDevice") && Contains("hint: nvidia-smi"));
  CHECK_THROWS_WITH(check_cublas(CUBLAS_STATUS_NOT_SUPPORTED, "cublasLtMatmul"),
                    Contains("cublasLtMatmul failed"));
}
