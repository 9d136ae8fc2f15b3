// x (tokens, row_width): d columns of each head are rotated in place
// (x_i, x_{i+d/2}) → (x_i·cos − x_{i+d/2}·sin, x_{i+d/2}·cos + x_i·sin)   angle = position·θ^(−2i/d)
#include <cmath>
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {

template <class Real>
void run(const RopeCall& call) {
  Real* x = as<Real>(call.x);
  const std::int64_t half = call.head_dim / 2;
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    for (std::int64_t i = 0; i < half; ++i) {
      const double frequency =
          std::pow(call.theta, -2.0 * static_cast<double>(i) / static_cast<double>(call.head_dim));
      const double angle = static_cast<double>(call.position_of(token)) * frequency;
      const Real cosine = static_cast<Real>(std::cos(angle));
      const Real sine = static_cast<Real>(call.inverse ? -std::sin(angle) : std::sin(angle));
      for (std::int64_t head = 0; head < call.heads; ++head) {
        Real* first = x + token * call.row_width + call.first_column + head * call.stride_of_heads() + i;
        Real* second = first + half;
        const Real before = *first;
        *first = before * cosine - *second * sine;
        *second = *second * cosine + before * sine;
      }
    }
  }
}

template void run<float>(const RopeCall&);
template void run<double>(const RopeCall&);

}  // namespace foreshard::reference
