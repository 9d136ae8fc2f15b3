#include <algorithm>

#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {

WeightDelay zero_bubble_delay(const ScheduleShape& shape, StageId stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t s = stage.value();
  const bool has_twice = shape.kind == ScheduleKind::zero_bubble_2p;
  return has_twice ? WeightDelay{.warm_up = std::min(shape.micro_batches, 2 * (p - s) - 1),
                                 .delay = shape.weight_lag * s}
                   : WeightDelay{.warm_up = std::min(shape.micro_batches, p - s), .delay = s};
}

std::vector<Slot> zero_bubble_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t m = shape.micro_batches;
  const auto [warm_up, delay] = zero_bubble_delay(shape, stage);
  std::vector<Slot> order;
  order.reserve(static_cast<std::size_t>(3 * m));
  for (std::int64_t i = 0; i + 1 < warm_up; ++i) order.push_back(make_slot(Pass::forward, 0, i));
  for (std::int64_t i = 0; i < m; ++i) {
    if (warm_up - 1 + i < m) order.push_back(make_slot(Pass::forward, 0, warm_up - 1 + i));
    order.push_back(make_slot(Pass::backward, 0, i));
    // A stage runs its input gradients `delay` micro-batches ahead of its weight gradients. Gradients therefore
    // reach the earlier stages sooner, and the delayed weight passes fill the end of the step, where 1F1B
    // idles. 1F1B holds p − s micro-batches before their backward; with the s delayed ones it holds p, and ZB-H2
    // holds 2·(p − s) − 1 and weight_lag·s: 2·p − 1 with a lag of 2.
    if (i >= delay) order.push_back(make_slot(Pass::weight, 0, i - delay));
  }
  for (std::int64_t i = std::max<std::int64_t>(m - delay, 0); i < m; ++i) {
    order.push_back(make_slot(Pass::weight, 0, i));
  }
  return order;
}

}  // namespace foreshard::detail
