#include "sim/step/path_log.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

namespace foreshard {

PathLog::PathLog(std::size_t lanes, std::size_t most_nodes) : next_drop_(most_nodes), causes_(lanes, kNone) {}

void PathLog::note_end(LaneId lane, std::uint32_t op, SimTime end) {
  if (nodes_.size() >= next_drop_) {
    drop_the_dead();
    next_drop_ = std::max(next_drop_, 2 * nodes_.size());
  }
  last_ = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({.end = end,
                    .cause = std::exchange(causes_[lane.at()], kNone),
                    .sums = kNone,
                    .key = {op, rank_lane(lane) == kHostLane}});
}

PathLog::Reached PathLog::reached() const {
  Reached reached{std::vector<bool>(nodes_.size()), std::vector<std::uint32_t>(nodes_.size())};
  for (const std::uint32_t cause : causes_) {
    if (cause != kNone) reached.is_running_or_last[cause] = true;
  }
  if (last_ != kNone) reached.is_running_or_last[last_] = true;
  for (std::size_t node = nodes_.size(); node-- > 0;) {
    if (reached.contains(node) && nodes_[node].cause != kNone) ++reached.children[nodes_[node].cause];
  }
  return reached;
}

void PathLog::drop_the_dead() {
  const Reached kept = reached();
  std::vector<Node> nodes;
  std::vector<Sums> sums;
  // moved: by old node, its new number; for a node that is merged into a section, the new number of the node
  // before the section. interval: for merged nodes, the sums of the section so far.
  std::vector<std::uint32_t> moved(nodes_.size(), kNone);
  std::vector<std::uint32_t> interval(nodes_.size(), kNone);
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    if (!kept.contains(n)) continue;
    const Node& node = nodes_[n];
    const std::uint32_t before = node.cause == kNone ? kNone : moved[node.cause];
    std::uint32_t own = node.cause == kNone ? kNone : interval[node.cause];
    if (own != kNone || node.sums != kNone || kept.is_between(n)) {
      if (own == kNone) {
        own = static_cast<std::uint32_t>(sums.size());
        sums.emplace_back();
      }
      add_to(sums[own], node);
    }
    if (kept.is_between(n)) {
      moved[n] = before;
      interval[n] = own;
    } else {
      moved[n] = static_cast<std::uint32_t>(nodes.size());
      nodes.push_back({.end = node.end, .cause = before, .sums = own, .key = node.key});
    }
  }
  for (std::uint32_t& cause : causes_) {
    if (cause != kNone) cause = moved[cause];
  }
  if (last_ != kNone) last_ = moved[last_];
  nodes_ = std::move(nodes);
  sums_ = std::move(sums);
}

/// Adds the time of a node to the sums. A task starts exactly when its cause ends, so its time is the
/// difference of the two ends.
void PathLog::add_to(Sums& sums, const Node& node) const {
  if (node.sums == kNone) {
    Sum& sum = sums[node.key];
    ++sum.operations;
    sum.time += node.end - (node.cause == kNone ? SimTime() : nodes_[node.cause].end);
    return;
  }
  for (const auto& [key, added] : sums_[node.sums]) {
    Sum& sum = sums[key];
    sum.operations += added.operations;
    sum.time += added.time;
  }
}

PathReport PathLog::report(const StepProgram& program, const ProgramPlan& plan) const {
  PathReport report;
  if (last_ == kNone) return report;
  Sums sums;
  for (std::uint32_t node = last_; node != kNone; node = nodes_[node].cause) add_to(sums, nodes_[node]);
  std::map<std::tuple<Component, Phase, std::string>, PathEntry> entries;
  SimTime explained;
  for (const auto& [key, sum] : sums) {
    const OpPlan& planned = plan.ops[key.op];
    const Op& op = program.block(planned.block).ops[planned.op.at()];
    const std::string kind(key.is_host ? "submit" : kind_name(op.kind));
    PathEntry& entry = entries[{op.component, op.phase, kind}];
    entry = {op.component, op.phase, kind, entry.operations + sum.operations, entry.time + sum.time};
    (key.is_host                    ? report.host
     : planned.lane == kComputeLane ? report.compute
                                    : report.communication) += sum.time;
    explained += sum.time;
  }
  report.waiting = nodes_[last_].end - explained;
  for (const auto& [key, entry] : entries) report.entries.push_back(entry);
  std::stable_sort(report.entries.begin(), report.entries.end(),
                   [](const PathEntry& a, const PathEntry& b) { return a.time > b.time; });
  return report;
}

}  // namespace foreshard
