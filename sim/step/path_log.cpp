#include "sim/step/path_log.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>

namespace foreshard {

PathLog::PathLog(std::size_t lanes, const std::vector<std::size_t>& tasks_by_lane)
    : causes_(lanes), records_(lanes) {
  for (std::size_t lane = 0; lane < lanes; ++lane) records_[lane].reserve(tasks_by_lane[lane]);
}

void PathLog::note_end(LaneId lane, std::uint32_t op, SimTime end) {
  const auto& cause = causes_[lane.at()];
  const auto cause_lane = cause ? static_cast<std::uint32_t>(cause->lane.at()) : 0;
  records_[lane.at()].push_back({end, op, cause_lane, cause ? cause->ordinal : 0, cause.has_value()});
}

PathReport PathLog::report(const StepProgram& program, const ProgramPlan& plan,
                           const std::optional<TaskId>& last) const {
  PathReport report;
  if (!last) return report;
  std::map<std::tuple<Component, Phase, std::string>, PathEntry> entries;
  const Record* record = &records_[last->lane.at()][last->ordinal];
  RankLane lane = rank_lane(last->lane);
  SimTime explained;
  const SimTime step = record->end;
  while (true) {
    // A task starts at the very moment at which its cause ends.
    const Record* cause = record->has_cause ? &records_[record->cause_lane][record->cause_ordinal] : nullptr;
    const SimTime time = record->end - (cause != nullptr ? cause->end : SimTime());
    const OpPlan& planned = plan.ops[record->op];
    const bool is_host = lane == kHostLane;
    const Op& op = program.block(planned.block).ops[planned.op.at()];
    const std::string kind(is_host ? "submit" : kind_name(op.kind));
    PathEntry& entry = entries[{op.component, op.phase, kind}];
    entry = {op.component, op.phase, kind, entry.operations + 1, entry.time + time};
    (is_host ? report.host : lane == kComputeLane ? report.compute : report.communication) += time;
    explained += time;
    if (cause == nullptr) break;
    lane = rank_lane(LaneId(std::size_t{record->cause_lane}));
    record = cause;
  }
  report.waiting = step - explained;
  for (const auto& [key, entry] : entries) report.entries.push_back(entry);
  std::stable_sort(report.entries.begin(), report.entries.end(),
                   [](const PathEntry& a, const PathEntry& b) { return a.time > b.time; });
  return report;
}

}  // namespace foreshard
