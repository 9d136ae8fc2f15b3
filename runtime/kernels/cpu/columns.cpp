// x (rows, x_width), y (rows, y_width): y[r, y_column + c] (+)= x[r, x_column + c]
#include <algorithm>

#include "runtime/kernels/cpu/cpu_kernels.hpp"
#include "runtime/kernels/typed.hpp"

namespace foreshard::cpu {

void run(Context& context, const ColumnsCall& call) {
  share(context.pool, call.rows, 16, [&](Range rows) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const float* x = as<const float>(call.x) + row * call.x_width + call.x_column;
      float* y = as<float>(call.y) + row * call.y_width + call.y_column;
      if (call.accumulate) {
        context.loops.add_to(y, x, call.width);
      } else {
        std::copy_n(x, call.width, y);
      }
    }
  });
}

}  // namespace foreshard::cpu
