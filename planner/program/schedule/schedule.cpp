#include "planner/program/schedule/schedule.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/core.h>

#include "planner/program/schedule/orders.hpp"

namespace foreshard {
namespace {

[[noreturn]] void refuse(std::string_view why, const ScheduleShape& shape) {
  throw std::invalid_argument(fmt::format("{} ({} stages, {} chunks each, {} micro-batches)", why,
                                          shape.stages, shape.chunks, shape.micro_batches));
}

void check_shape(const ScheduleShape& shape) {
  if (shape.stages < 1 || shape.chunks < 1 || shape.micro_batches < 1)
    refuse("a pipeline needs at least one stage, chunk and micro-batch", shape);
  switch (shape.kind) {
    case ScheduleKind::gpipe:
    case ScheduleKind::one_f_one_b:
      if (shape.chunks != 1) refuse("only the interleaved schedule runs several chunks per stage", shape);
      return;
    case ScheduleKind::interleaved:
      if (shape.stages < 2 || shape.chunks < 2)
        refuse("the interleaved schedule needs at least two stages of at least two chunks", shape);
      if (shape.micro_batches % shape.stages != 0)
        refuse("the interleaved schedule needs micro-batches in whole groups of the stages", shape);
      return;
    case ScheduleKind::zero_bubble:
      if (shape.stages < 2 || shape.chunks != 1)
        refuse("the zero-bubble schedule needs at least two stages of one chunk", shape);
      return;
  }
}

void check(const ScheduleShape& shape, StageId stage) {
  check_shape(shape);
  if (stage.value() < 0 || stage.value() >= shape.stages)
    refuse(fmt::format("there is no stage {}", stage.value()), shape);
}

}  // namespace

std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage) {
  check(shape, stage);
  switch (shape.kind) {
    case ScheduleKind::gpipe: return detail::gpipe_order(shape);
    case ScheduleKind::one_f_one_b: return detail::one_f_one_b_order(shape, stage);
    case ScheduleKind::interleaved: return detail::interleaved_order(shape, stage);
    case ScheduleKind::zero_bubble: return detail::zero_bubble_order(shape, stage);
  }
  refuse("unknown schedule", shape);
}

std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage) {
  check(shape, stage);
  const std::int64_t total = shape.micro_batches * shape.chunks;
  // After the warm-up phase, one more forward runs before the first backward, as long as there is one left.
  switch (shape.kind) {
    case ScheduleKind::gpipe: return total;
    case ScheduleKind::one_f_one_b:
    case ScheduleKind::zero_bubble: return std::min(total, detail::one_f_one_b_warm_up(shape, stage) + 1);
    case ScheduleKind::interleaved: return std::min(total, detail::interleaved_warm_up(shape, stage) + 1);
  }
  refuse("unknown schedule", shape);
}

std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage) {
  const std::int64_t held_at_first_backward = warm_up_forwards(shape, stage);
  // From the first backward on, at most one forward stands between two backwards: the peak is reached there.
  if (shape.kind != ScheduleKind::zero_bubble) return held_at_first_backward;
  // After each of the next `stage` backwards one more forward runs, but no weight pass yet: one more is held.
  return std::min(shape.micro_batches, held_at_first_backward + stage.value());
}

double bubble_fraction(const ScheduleShape& shape) {
  const double idle = bubble_slots(shape);
  return idle / (static_cast<double>(shape.micro_batches) + idle);
}

double bubble_slots(const ScheduleShape& shape) {
  check_shape(shape);
  if (shape.kind == ScheduleKind::zero_bubble) {
    // In thirds of a slot: forward, backward and weight pass take one third each. With fewer micro-batches
    // than stages there are fewer weight passes to fill the bubble: each missing one adds a third.
    const std::int64_t missing = std::max<std::int64_t>(shape.stages - shape.micro_batches, 0);
    return static_cast<double>(shape.stages - 1 + missing) / 3.0;
  }
  return static_cast<double>(shape.stages - 1) / static_cast<double>(shape.chunks);
}

}  // namespace foreshard
