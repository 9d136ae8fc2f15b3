// x (rows, x_width), y (rows, y_width): y[r, y_column + c] (+)= x[r, x_column + c]
#include "runtime/kernels/cpu/cpu_kernels.hpp"

namespace foreshard::cpu {

void run(Context& context, const ColumnsCall& call) {
  share(context.pool, call.rows, 16, [&](Range rows) {
    for (std::int64_t row = rows.begin; row < rows.end; ++row) {
      const Buffer x = call.x.part(row * call.x_width + call.x_column, call.width);
      const Buffer y = call.y.part(row * call.y_width + call.y_column, call.width);
      call.accumulate ? context.loops.add_to(y, x) : context.loops.copy(y, x);
    }
  });
}

}  // namespace foreshard::cpu
