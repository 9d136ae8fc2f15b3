#pragma once

#include <cstdint>
#include <string>

// Matrix products of fp32, by the library that blas.cpp names and nobody else does.

namespace foreshard::cpu {

/// A factor of a product as it lies in memory: row-major, rows `stride` apart, or transposed so.
struct Factor {
  const float* data = nullptr;
  std::int64_t stride = 0;
  bool transposed = false;
};

/// C (m,n), rows `stride` apart, becomes alpha·A (m,k)·B (k,n) + beta·C.
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

/// On the calling thread alone. Several may call at once if blas_serves_several_threads(). @throws
/// std::overflow_error for a size beyond 2³¹ −
/// 1
void multiply(const Product& product);

/// Each thread that will multiply says so first: the library then starts no threads of its own for it.
void use_blas_on_this_thread();

/// False of a variant of the library that was built for one thread: called by several at once it gives wrong
/// results.
bool blas_serves_several_threads();

/// "OpenBLAS 0.3.21 (Zen)": the library and the processor that its kernels are for.
std::string blas_name();

}  // namespace foreshard::cpu
