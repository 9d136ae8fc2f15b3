#include <algorithm>

#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {

std::int64_t one_f_one_b_warm_up(const ScheduleShape& shape, StageId stage) {
  return std::min(shape.micro_batches, shape.stages - stage.value() - (shape.in_turns ? 0 : 1));
}

std::vector<Slot> one_f_one_b_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t m = shape.micro_batches;
  const std::int64_t warm_up = one_f_one_b_warm_up(shape, stage);
  std::vector<Slot> order;
  order.reserve(static_cast<std::size_t>(2 * m));
  for (std::int64_t i = 0; i < warm_up; ++i) order.push_back(make_slot(Pass::forward, 0, i));
  for (std::int64_t i = warm_up; i < m; ++i) {
    push_pair(shape, order, make_slot(Pass::forward, 0, i), make_slot(Pass::backward, 0, i - warm_up));
  }
  for (std::int64_t i = m - warm_up; i < m; ++i) order.push_back(make_slot(Pass::backward, 0, i));
  return order;
}

}  // namespace foreshard::detail
