#include "runtime/kernels/cpu/blas.hpp"

#include <algorithm>
#include <cblas.h>
#include <limits>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>

namespace foreshard::cpu {
namespace {

blasint as_blasint(std::int64_t size) {
  if (size > std::numeric_limits<blasint>::max()) {
    throw std::overflow_error(fmt::format("the matrix library cannot multiply matrices of size {}", size));
  }
  return static_cast<blasint>(size);
}

/// The library needs strides of at least 1, even for an empty matrix.
blasint as_stride(std::int64_t stride) { return as_blasint(std::max<std::int64_t>(stride, 1)); }

CBLAS_TRANSPOSE as_transpose(bool transposed) { return transposed ? CblasTrans : CblasNoTrans; }

}  // namespace

void multiply(const Product& p) {
  cblas_sgemm(CblasRowMajor, as_transpose(p.a.transposed), as_transpose(p.b.transposed), as_blasint(p.m),
              as_blasint(p.n), as_blasint(p.k), p.alpha, p.a.data, as_stride(p.a.stride), p.b.data,
              as_stride(p.b.stride), p.beta, p.c, as_stride(p.stride));
}

// In OpenBLAS's OpenMP variant this sets the number of threads of the calling thread, in the others that of
// the process.
void use_blas_on_this_thread() { openblas_set_num_threads(1); }

bool blas_serves_several_threads() {
  constexpr int kSequential = 0;  // OPENBLAS_SEQUENTIAL in OpenBLAS's documentation of this call
  return openblas_get_parallel() != kSequential;
}

std::string blas_name() {
  std::istringstream config(openblas_get_config());  // "OpenBLAS 0.3.21 DYNAMIC_ARCH …"
  std::string library;
  std::string version;
  config >> library >> version;
  return fmt::format("{} {} ({})", library, version, openblas_get_corename());
}

}  // namespace foreshard::cpu
