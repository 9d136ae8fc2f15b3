// x (rows, x_width), y (rows, y_width): y[r, y_column + c] (+)= x[r, x_column + c]
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {

template <class Real>
void run(const ColumnsCall& call) {
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const Real* x = as<const Real>(call.x) + row * call.x_width + call.x_column;
    Real* y = as<Real>(call.y) + row * call.y_width + call.y_column;
    for (std::int64_t i = 0; i < call.width; ++i) y[i] = call.accumulate ? y[i] + x[i] : x[i];
  }
}

template void run<float>(const ColumnsCall&);
template void run<double>(const ColumnsCall&);

}  // namespace foreshard::reference
