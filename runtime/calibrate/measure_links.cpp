#include "runtime/calibrate/measure_links.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runtime/measure/measure_link.hpp"

namespace foreshard {
namespace {

struct Trial {
  LinkOperation operation;
  Bytes payload;
};

/// Sizes like those in a step, where all-reduces of activations have a few MiB and those of gradients tens of
/// MiB; the default largest size is 16 MiB. All-reduces are measured at more sizes, because they are most of
/// a step's communication.
std::vector<Trial> trials(Bytes largest, bool with_transfers) {
  std::vector<Trial> all;
  const auto add = [&](LinkOperation operation, std::initializer_list<std::int64_t> parts) {
    for (const std::int64_t part : parts) all.push_back({operation, Bytes(largest.value() / part)});
  };
  add(LinkOperation::all_reduce, {4096, 256, 32, 8, 2, 1});
  add(LinkOperation::all_gather, {256, 8, 1});
  add(LinkOperation::reduce_scatter, {256, 8, 1});
  if (with_transfers) add(LinkOperation::transfer, {4096, 32, 8, 2});
  return all;
}

class Links {
 public:
  Links(const MpiSession& session, const LinkEnds& ends, const LinkPlan& plan,
        const std::function<void(int, int)>& progress)
      : session_(session),
        ends_(ends),
        plan_(plan),
        layout_(host_layout(session.hosts())),
        progress_(progress) {
    budget_.time = plan.each;
  }

  LinkMeasurements run() {
    LinkMeasurements measured;
    const auto inside = static_cast<std::int32_t>(layout_.ranks_per_host);
    const auto across = static_cast<std::int32_t>(layout_.hosts);
    // Transfers are measured between ranks 0 and 1, 2 and 3, …: with an odd number of ranks on several hosts,
    // some pairs would be on different hosts.
    const bool pairs_inside = across == 1 || inside % 2 == 0;
    todo_ = (inside > 1 ? static_cast<int>(trials(plan_.largest, pairs_inside).size()) : 0) +
            (across > 1 ? static_cast<int>(trials(plan_.largest, true).size()) : 0);
    if (inside > 1) measured.in_node = measure(GroupKind::tp, inside * across, pairs_inside);
    if (across > 1) measured.network = measure(GroupKind::dp, across, true);
    return measured;
  }

 private:
  [[nodiscard]] DeviceMesh mesh(std::int64_t tp, std::int64_t dp, std::int64_t pp) const {
    ParallelismSpec degrees;
    degrees.tp = tp;
    degrees.dp = dp;
    degrees.pp = pp;
    return DeviceMesh(degrees);
  }

  /// @param stages  number of stages of the pipelines in which transfers are measured
  std::vector<MeasuredLink> measure(GroupKind group, std::int64_t stages, bool with_transfers) {
    const std::int64_t inside = layout_.ranks_per_host;
    const auto collectives = ends_.connect(mesh(inside, layout_.hosts, 1));
    const auto pipelines = ends_.connect(mesh(session_.size() / stages, 1, stages));
    std::vector<MeasuredLink> measured;
    for (const Trial& trial : trials(plan_.largest, with_transfers)) {
      Communicator& communicator = trial.operation == LinkOperation::transfer ? *pipelines : *collectives;
      measured.push_back(
          {.operation = trial.operation,
           .payload = trial.payload,
           .time = measure_link(ends_.device, communicator, group, trial.operation, trial.payload, budget_)});
      if (progress_) progress_(++done_, todo_);
    }
    return measured;
  }

  const MpiSession& session_;
  const LinkEnds& ends_;
  const LinkPlan& plan_;
  HostLayout layout_;
  LinkBudget budget_;
  const std::function<void(int, int)>& progress_;
  int done_ = 0;
  int todo_ = 0;
};

}  // namespace

std::optional<std::string> host_layout_complaint(std::span<const std::string> hosts) {
  std::vector<std::pair<std::string, std::int64_t>> chunks;  // consecutive ranks on one host
  for (const std::string& host : hosts) {
    if (chunks.empty() || chunks.back().first != host) chunks.emplace_back(host, 0);
    ++chunks.back().second;
  }
  for (const auto& [host, ranks] : chunks) {
    const auto is_of_host = [&name = host](const auto& each) { return each.first == name; };
    const bool is_split = std::count_if(chunks.begin(), chunks.end(), is_of_host) > 1;
    if (is_split)
      return fmt::format("the ranks of host {} are not neighbours; start them with mpirun --map-by slot",
                         host);
    if (ranks != chunks.front().second)
      return fmt::format(
          "host {} has {} ranks and host {} has {}; a cluster has the same number on every node",
          chunks.front().first, chunks.front().second, host, ranks);
  }
  return std::nullopt;
}

HostLayout host_layout(std::span<const std::string> hosts) {
  const auto on_first = std::count(hosts.begin(), hosts.end(), hosts.front());
  return {.hosts = static_cast<std::int64_t>(hosts.size()) / on_first, .ranks_per_host = on_first};
}

LinkMeasurements measure_links(const MpiSession& session, const LinkEnds& ends, const LinkPlan& plan,
                               const std::function<void(int done, int of)>& progress) {
  return Links(session, ends, plan, progress).run();
}

}  // namespace foreshard
