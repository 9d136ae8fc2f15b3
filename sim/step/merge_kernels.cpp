#include "sim/step/merge_kernels.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/step/task_label.hpp"

namespace foreshard {

namespace {

/// For each number of ended kernels, whether a task waits for exactly that number.
std::vector<bool> awaited_counts(const StageScript& script) {
  std::vector<bool> awaited(script.lanes[kComputeLane].tasks.size() + 1);
  for (const LaneScript& lane : script.lanes) {
    for (std::size_t w = 0; w < lane.waits.size(); ++w) {
      const Wait& wait = lane.waits[w];
      if (wait.lane == kComputeLane && wait.count < awaited.size()) awaited[wait.count] = true;
    }
  }
  return awaited;
}

/// Kinds of compute tasks: only whole kernels of one kind may be merged; the pieces of a kernel are never
/// merged.
enum class Kind : std::uint8_t { kernel, optimizer, piece };
Kind kind_of(const ProgramPlan& plan, const Task& task) {
  const TaskLabel label = TaskLabel::unpacked(task.label);
  if (!label.is_first || !label.is_last) return Kind::piece;
  return is_of_optimizer(plan.ops[label.op]) ? Kind::optimizer : Kind::kernel;
}

}  // namespace

void merge_kernels(const ProgramPlan& plan, StageScript& script) {
  const std::vector<bool> awaited = awaited_counts(script);
  LaneScript& kernels = script.lanes[kComputeLane];
  LaneScript merged;
  std::vector<Wait> waits;              // waits of the current task
  std::vector<std::uint32_t> ended{0};  // by number of kernels: the number of merged tasks that hold them
  for (std::size_t k = 0; k < kernels.tasks.size(); ++k) {
    const Task& task = kernels.tasks[k];
    const Kind kind = kind_of(plan, task);
    const bool joins = k > 0 && task.waits == 0 && !awaited[k] && kind != Kind::piece &&
                       kind == kind_of(plan, kernels.tasks[k - 1]);
    if (joins) {
      merged.tasks[merged.tasks.size() - 1].duration += task.duration;
    } else {
      waits.clear();
      for (std::uint32_t w = 0; w < task.waits; ++w) waits.push_back(kernels.wait(task, w));
      merged.add(task, waits);
    }
    ended.push_back(static_cast<std::uint32_t>(merged.tasks.size()));
  }
  kernels = std::move(merged);
  for (LaneScript& lane : script.lanes) {
    for (std::size_t w = 0; w < lane.waits.size(); ++w) {
      Wait& wait = lane.waits[w];
      if (wait.lane == kComputeLane && wait.count < ended.size()) wait.count = ended[wait.count];
    }
  }
}

}  // namespace foreshard
