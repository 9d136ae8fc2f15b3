#pragma once

#include <cstdint>
#include <string>

// Matrix products in fp32 by OpenBLAS; blas.cpp is the only source that calls it.

namespace foreshard::cpu {

/// A factor of a product in memory: row-major with rows `stride` elements apart, or the transpose of such a
/// matrix.
struct Factor {
  const float* data = nullptr;
  std::int64_t stride = 0;
  bool transposed = false;
};

/// C (m,n) = alpha·A (m,k)·B (k,n) + beta·C. Rows of C are `stride` elements apart.
struct Product {
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  float alpha = 1.0F;
  Factor a;
  Factor b;
  float beta = 0.0F;
  float* c = nullptr;
  std::int64_t stride = 0;
};

/// Runs on the calling thread only. Several threads may call it at the same time if
/// blas_serves_several_threads().
/// @throws std::overflow_error for a size beyond 2³¹ − 1
void multiply(const Product& product);

/// Every thread must call it before its first product: the library then starts no threads of its own.
void use_blas_on_this_thread();

/// False if the library was built for one thread: called by several threads at the same time, it gives wrong
/// results.
bool blas_serves_several_threads();

/// "OpenBLAS 0.3.21 (Zen)": the library, and the processor for which it has chosen its kernels.
std::string blas_name();

}  // namespace foreshard::cpu
