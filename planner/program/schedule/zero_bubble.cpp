#include <algorithm>

#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {

std::vector<Slot> zero_bubble_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t m = shape.micro_batches;
  const std::int64_t s = stage.value();
  const std::int64_t warm_up = one_f_one_b_warm_up(shape, stage);
  std::vector<Slot> order;
  order.reserve(static_cast<std::size_t>(3 * m));
  for (std::int64_t i = 0; i < warm_up; ++i) order.push_back(make_slot(Pass::forward, 0, i));
  for (std::int64_t i = 0; i < m; ++i) {
    if (warm_up + i < m) order.push_back(make_slot(Pass::forward, 0, warm_up + i));
    order.push_back(make_slot(Pass::backward, 0, i));
    // Stage s runs its input gradients s micro-batches ahead of its weight gradients. Gradients therefore
    // reach the earlier stages sooner, and the delayed weight passes fill the end of the step, where 1F1B
    // idles. 1F1B holds p − s micro-batches before their backward; with the s delayed ones it holds p.
    if (i >= s) order.push_back(make_slot(Pass::weight, 0, i - s));
  }
  for (std::int64_t i = std::max<std::int64_t>(m - s, 0); i < m; ++i) {
    order.push_back(make_slot(Pass::weight, 0, i));
  }
  return order;
}

}  // namespace foreshard::detail
