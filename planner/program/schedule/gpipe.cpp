#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {

std::vector<Slot> gpipe_order(const ScheduleShape& shape) {
  std::vector<Slot> order;
  order.reserve(static_cast<std::size_t>(2 * shape.micro_batches));
  for (std::int64_t i = 0; i < shape.micro_batches; ++i) order.push_back(make_slot(Pass::forward, 0, i));
  // Backwards run in micro-batch order as well, as PyTorch's ScheduleGPipe runs them: the last micro-batch's
  // backward pass is the last of the step, so gradients are complete there.
  for (std::int64_t i = 0; i < shape.micro_batches; ++i) order.push_back(make_slot(Pass::backward, 0, i));
  return order;
}

}  // namespace foreshard::detail
