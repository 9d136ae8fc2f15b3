#include <algorithm>

#include "planner/program/schedule/v_order.hpp"

namespace foreshard::detail {

// Each stage waits for the micro-batch that it sent down the V first: piece 2·p − 1 − s of the model comes
// 2·(p − s) − 1 passes after piece s. So many forwards of chunk 0 fill the wait. Then both chunks take turns, and from
// the first backward on each forward is followed by a backward and its weight pass: with passes of equal length no
// stage waits any more. At the end, input gradients come first, and weight passes fill what would be the bubble.
//
// Example, p = 2, m = 3 (F0.1 is chunk 0's forward of micro-batch 1):
//   stage 0: F0.0 F0.1 F0.2 F1.0 B1.0 W1.0 F1.1 B1.1 W1.1 B0.0 W0.0 F1.2 B1.2 W1.2 B0.1 W0.1 B0.2 W0.2
//   stage 1: F0.0 F1.0 F0.1 F1.1 B1.0 W1.0 F0.2 B0.0 W0.0 F1.2 B1.1 W1.1 B0.1 B1.2 B0.2 W0.1 W1.2 W0.2
std::vector<Slot> zb_v_order(const ScheduleShape& shape, StageId stage) {
  const std::int64_t p = shape.stages;
  const std::int64_t s = stage.value();
  // The order of fewer micro-batches than fill the pipeline is that of enough without the others.
  const std::int64_t m = std::max(shape.micro_batches, 2 * p - 1);
  VOrder order;
  for (std::int64_t i = 0; i < 2 * (p - s) - 1; ++i) order.forward(0);
  for (std::int64_t i = 0; i < s; ++i) {
    order.forward(1);
    order.forward(0);
  }
  for (std::int64_t i = 0; i < p - s; ++i) {
    order.forward(1);
    order.both(1);
  }
  while (order.count(Pass::forward, 1) < m) {
    if (order.count(Pass::forward, 0) < m) order.forward(0);
    order.both(0);
    order.forward(1);
    order.both(1);
  }
  for (std::int64_t i = 0; i < s; ++i) {
    order.backward(0);
    order.backward(1);
  }
  for (std::int64_t i = 0; i < p - s; ++i) {
    order.both(0);
  }
  for (const std::int64_t chunk : {1, 0}) {
    while (order.count(Pass::weight, chunk) < m) order.weight(chunk);
  }
  std::vector<Slot> slots = order.take();
  std::erase_if(slots, [&](const Slot& slot) { return slot.micro_batch.value() >= shape.micro_batches; });
  return slots;
}

}  // namespace foreshard::detail
