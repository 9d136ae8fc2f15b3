#include <algorithm>

#include "planner/program/schedule/orders.hpp"

namespace foreshard::detail {
namespace {

/// The k-th pass of one direction. Micro-batches run in groups of p; each group passes through all v chunks
/// before the next group starts. Forward starts with the first chunk, backward with the last.
Slot nth_slot(const ScheduleShape& shape, Pass pass, std::int64_t k) {
  const std::int64_t p = shape.stages;
  const std::int64_t per_group = p * shape.chunks;
  const std::int64_t chunk_in_pass_order = k % per_group / p;
  const std::int64_t chunk =
      pass == Pass::forward ? chunk_in_pass_order : shape.chunks - 1 - chunk_in_pass_order;
  const std::int64_t micro_batch = k / per_group * p + k % p;
  return make_slot(pass, chunk, micro_batch);
}

}  // namespace

std::int64_t interleaved_warm_up(const ScheduleShape& shape, StageId stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t total = shape.micro_batches * shape.chunks;
  // With one group only, there is no later group whose forwards could alternate with backwards.
  if (shape.micro_batches == p) return total;
  const std::int64_t further = shape.in_turns ? 1 : 0;
  return std::min(total, (p - stage.value() - 1) * 2 + (shape.chunks - 1) * p + further);
}

std::vector<Slot> interleaved_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t total = shape.micro_batches * shape.chunks;
  const std::int64_t warm_up = interleaved_warm_up(shape, stage);
  std::vector<Slot> order;
  order.reserve(static_cast<std::size_t>(2 * total));
  for (std::int64_t k = 0; k < warm_up; ++k) order.push_back(nth_slot(shape, Pass::forward, k));
  for (std::int64_t k = warm_up; k < total; ++k) {
    push_pair(shape, order, nth_slot(shape, Pass::forward, k), nth_slot(shape, Pass::backward, k - warm_up));
  }
  for (std::int64_t k = total - warm_up; k < total; ++k) order.push_back(nth_slot(shape, Pass::backward, k));
  return order;
}

}  // namespace foreshard::detail
