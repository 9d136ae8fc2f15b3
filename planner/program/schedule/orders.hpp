#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/schedule/schedule.hpp"
#include "planner/program/slot.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard::detail {

/// The order of one stage under each schedule. @pre schedule.cpp has checked the shape and the stage.
std::vector<Slot> gpipe_order(const ScheduleShape& shape);
std::vector<Slot> one_f_one_b_order(const ScheduleShape& shape, StageId stage);
std::vector<Slot> interleaved_order(const ScheduleShape& shape, StageId stage);
/// The number of forward passes before the first backward, and by how many micro-batches weight passes follow their
/// backward.
struct WeightDelay {
  std::int64_t warm_up = 1;
  std::int64_t delay = 0;
};
WeightDelay zero_bubble_delay(const ScheduleShape& shape, StageId stage);
std::vector<Slot> zero_bubble_order(const ScheduleShape& shape, StageId stage);
std::vector<Slot> zb_v_order(const ScheduleShape& shape, StageId stage);
std::vector<Slot> dualpipe_v_order(const ScheduleShape& shape, StageId stage);

/// Forward passes of the warm-up phase, after which forward and backward passes alternate.
std::int64_t one_f_one_b_warm_up(const ScheduleShape& shape, StageId stage);
std::int64_t interleaved_warm_up(const ScheduleShape& shape, StageId stage);

/// Puts a forward pass and the backward pass that follows it into the order.
inline void push_pair(const ScheduleShape& shape, std::vector<Slot>& order, const Slot& forward,
                      Slot backward) {
  backward.in_turns = shape.in_turns;
  order.push_back(forward);
  order.push_back(backward);
}

/// A slot from plain integers.
inline Slot make_slot(Pass pass, std::int64_t chunk, std::int64_t micro_batch) {
  return {.pass = pass,
          .chunk = ChunkId(static_cast<std::int32_t>(chunk)),
          .micro_batch = MicroBatch(static_cast<std::int32_t>(micro_batch))};
}

}  // namespace foreshard::detail
