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
    case ScheduleKind::zero_bubble_2p:
      if (shape.stages < 2 || shape.chunks != 1)
        refuse("the zero-bubble schedule needs at least two stages of one chunk", shape);
      return;
    case ScheduleKind::zb_v:
    case ScheduleKind::dualpipe_v:
      if (shape.stages < 2 || shape.chunks != 2)
        refuse("a schedule in a V needs at least two stages of two chunks", shape);
      if (shape.kind == ScheduleKind::dualpipe_v && shape.micro_batches < 2 * shape.stages)
        refuse("DualPipeV needs two micro-batches for each stage", shape);
      return;
  }
}

void check(const ScheduleShape& shape, StageId stage) {
  check_shape(shape);
  if (stage.value() < 0 || stage.value() >= shape.stages)
    refuse(fmt::format("there is no stage {}", stage.value()), shape);
}

/// The largest number of pairs whose first pass has run and whose weight pass has not, by counting.
std::int64_t most_held(const std::vector<Slot>& order) {
  std::int64_t held = 0;
  std::int64_t most = 0;
  for (const Slot& slot : order) {
    held += slot.pass == Pass::forward ? 1 : slot.pass == Pass::weight ? -1 : 0;
    most = std::max(most, held);
  }
  return most;
}

std::int64_t forwards_before_backward(const std::vector<Slot>& order) {
  const auto first =
      std::find_if(order.begin(), order.end(), [](const Slot& slot) { return slot.pass == Pass::backward; });
  return first - order.begin();
}

/// The idle passes of a schedule whose passes are equally long, beyond p − 1: where there are too few micro-batches.
std::int64_t idle_for_want_of_work(const ScheduleShape& shape) {
  const std::int64_t p = shape.stages;
  const std::int64_t m = shape.micro_batches;
  switch (shape.kind) {
    case ScheduleKind::zero_bubble: return std::max<std::int64_t>(p - m, 0);
    case ScheduleKind::zero_bubble_2p: return std::max<std::int64_t>(2 * p - 1 - m, 0) / 2;
    case ScheduleKind::zb_v: return std::max<std::int64_t>(3 * (p - 1) + 2 - 2 * m, 0);
    default: return 0;
  }
}

}  // namespace

std::vector<Slot> stage_order(const ScheduleShape& shape, StageId stage) {
  check(shape, stage);
  switch (shape.kind) {
    case ScheduleKind::gpipe: return detail::gpipe_order(shape);
    case ScheduleKind::one_f_one_b: return detail::one_f_one_b_order(shape, stage);
    case ScheduleKind::interleaved: return detail::interleaved_order(shape, stage);
    case ScheduleKind::zero_bubble:
    case ScheduleKind::zero_bubble_2p: return detail::zero_bubble_order(shape, stage);
    case ScheduleKind::zb_v: return detail::zb_v_order(shape, stage);
    case ScheduleKind::dualpipe_v: return detail::dualpipe_v_order(shape, stage);
  }
  refuse("unknown schedule", shape);
}

std::int64_t warm_up_forwards(const ScheduleShape& shape, StageId stage) {
  check(shape, stage);
  const std::int64_t total = shape.micro_batches * shape.chunks;
  // After the warm-up phase, one more forward runs before the first backward, as long as there is one left.
  switch (shape.kind) {
    case ScheduleKind::gpipe: return total;
    case ScheduleKind::one_f_one_b: return std::min(total, detail::one_f_one_b_warm_up(shape, stage) + 1);
    case ScheduleKind::interleaved: return std::min(total, detail::interleaved_warm_up(shape, stage) + 1);
    case ScheduleKind::zero_bubble:
    case ScheduleKind::zero_bubble_2p: return detail::zero_bubble_delay(shape, stage).warm_up;
    case ScheduleKind::zb_v:
    case ScheduleKind::dualpipe_v: return forwards_before_backward(stage_order(shape, stage));
  }
  refuse("unknown schedule", shape);
}

std::int64_t peak_in_flight(const ScheduleShape& shape, StageId stage) {
  if (runs_in_v(shape.kind)) return most_held(stage_order(shape, stage));
  const std::int64_t held_at_first_backward = warm_up_forwards(shape, stage);
  // From the first backward on, at most one forward stands between two backwards: the peak is reached there.
  if (!splits_backward(shape.kind)) return held_at_first_backward;
  // After each of the next `delay` backwards one more forward runs, but no weight pass yet: one more is held.
  return std::min(shape.micro_batches,
                  held_at_first_backward + detail::zero_bubble_delay(shape, stage).delay);
}

double bubble_fraction(const ScheduleShape& shape) {
  const double idle = bubble_slots(shape);
  return idle / (static_cast<double>(shape.micro_batches) + idle);
}

double bubble_slots(const ScheduleShape& shape) {
  check_shape(shape);
  if (splits_backward(shape.kind)) {
    // A slot is the three passes of every chunk.
    const std::int64_t passes = shape.stages - 1 + idle_for_want_of_work(shape);
    return static_cast<double>(passes) / static_cast<double>(3 * shape.chunks);
  }
  return static_cast<double>(shape.stages - 1) / static_cast<double>(shape.chunks);
}

}  // namespace foreshard
