// C (m,n) = op(A) (m,k) · op(B) (k,n) [+ C] [+ bias (n)], row-major
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {

template <class Real>
void run(const GemmCall& call) {
  const Real* a = as<const Real>(call.a);
  const Real* b = as<const Real>(call.b);
  const Real* bias = as<const Real>(call.bias);
  Real* c = as<Real>(call.c);
  for (std::int64_t i = 0; i < call.m; ++i) {
    for (std::int64_t j = 0; j < call.n; ++j) {
      Real sum = 0;
      for (std::int64_t p = 0; p < call.k; ++p) {
        const Real a_ip = call.transpose_a ? a[p * call.m + i] : a[i * call.k + p];
        const Real b_pj = call.transpose_b ? b[j * call.k + p] : b[p * call.n + j];
        sum += a_ip * b_pj;
      }
      if (call.accumulate) sum += c[i * call.n + j];
      if (bias != nullptr) sum += bias[j];
      c[i * call.n + j] = sum;
    }
  }
}

template void run<float>(const GemmCall&);
template void run<double>(const GemmCall&);

}  // namespace foreshard::reference
