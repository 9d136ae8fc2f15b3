// ids (tokens)   table, d_table (rows,width): this rank's rows, from first_row on   y, dy (tokens,width)
// y_t = table[ids_t], or zeros if another rank holds the row   d_table[ids_t] += dy_t
#include <cstdint>

#include "runtime/kernels/reference/reference_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::reference {

template <class Real>
void run(const EmbeddingCall& call) {
  const std::int32_t* ids = as<const std::int32_t>(call.ids);
  for (std::int64_t token = 0; token < call.tokens; ++token) {
    const std::int64_t row = ids[token] - call.first_row;
    const bool is_here = row >= 0 && row < call.rows;
    for (std::int64_t i = 0; i < call.width; ++i) {
      const std::int64_t at = token * call.width + i;
      if (!call.backward) {
        as<Real>(call.y)[at] = is_here ? as<const Real>(call.table)[row * call.width + i] : Real{0};
      } else if (is_here) {
        as<Real>(call.d_table)[row * call.width + i] += as<const Real>(call.dy)[at];
      }
    }
  }
}

template void run<float>(const EmbeddingCall&);
template void run<double>(const EmbeddingCall&);

}  // namespace foreshard::reference
