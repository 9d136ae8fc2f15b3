#include "runtime/calibrate/measure_links.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu_device.hpp"

namespace foreshard {
namespace {

constexpr double kKiB = kKibi;
constexpr double kMiB = kMebi;

struct Trial {
  LinkOperation operation;
  Bytes payload;
};

/// Sizes as a step has them: sums of activations are a few MiB, of gradients tens of MiB. All-reduces come at
/// more sizes, since steps consist of them.
std::vector<Trial> trials(bool with_transfers) {
  std::vector<Trial> all;
  const auto add = [&](LinkOperation operation, std::initializer_list<double> sizes) {
    for (const double size : sizes) all.push_back({operation, Bytes(static_cast<std::int64_t>(size))});
  };
  add(LinkOperation::all_reduce, {4 * kKiB, 64 * kKiB, 512 * kKiB, 2 * kMiB, 8 * kMiB, 16 * kMiB});
  add(LinkOperation::all_gather, {64 * kKiB, 2 * kMiB, 16 * kMiB});
  add(LinkOperation::reduce_scatter, {64 * kKiB, 2 * kMiB, 16 * kMiB});
  if (with_transfers) add(LinkOperation::transfer, {4 * kKiB, 512 * kKiB, 2 * kMiB, 8 * kMiB});
  return all;
}

class Links {
 public:
  Links(const MpiSession& session, Seconds each, const std::function<void(int, int)>& progress)
      : session_(session), layout_(host_layout(session.hosts())), progress_(progress) {
    budget_.time = each;
  }

  LinkMeasurements run() {
    LinkMeasurements measured;
    const auto inside = static_cast<std::int32_t>(layout_.ranks_per_host);
    const auto across = static_cast<std::int32_t>(layout_.hosts);
    // Transfers are measured between ranks 0 and 1, 2 and 3, …: of an odd number on several hosts some pairs
    // would lie across.
    const bool pairs_inside = across == 1 || inside % 2 == 0;
    todo_ = (inside > 1 ? static_cast<int>(trials(pairs_inside).size()) : 0) +
            (across > 1 ? static_cast<int>(trials(true).size()) : 0);
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

  /// @param stages  of the pipelines in which transfers are measured
  std::vector<MeasuredLink> measure(GroupKind group, std::int64_t stages, bool with_transfers) {
    const std::int64_t inside = layout_.ranks_per_host;
    MpiCommunicator collectives(session_, mesh(inside, layout_.hosts, 1));
    MpiCommunicator pipelines(session_, mesh(session_.size() / stages, 1, stages));
    std::vector<MeasuredLink> measured;
    for (const Trial& trial : trials(with_transfers)) {
      MpiCommunicator& communicator = trial.operation == LinkOperation::transfer ? pipelines : collectives;
      measured.push_back(
          {.operation = trial.operation,
           .payload = trial.payload,
           .time = measure_link(host_, communicator, group, trial.operation, trial.payload, budget_)});
      if (progress_) progress_(++done_, todo_);
    }
    return measured;
  }

  const MpiSession& session_;
  HostLayout layout_;
  LinkBudget budget_;
  const std::function<void(int, int)>& progress_;
  CpuDevice host_;  // for its memory
  int done_ = 0;
  int todo_ = 0;
};

}  // namespace

std::optional<std::string> host_layout_complaint(std::span<const std::string> hosts) {
  std::vector<std::pair<std::string, std::int64_t>> stretches;  // of neighbours on one host
  for (const std::string& host : hosts) {
    if (stretches.empty() || stretches.back().first != host) stretches.emplace_back(host, 0);
    ++stretches.back().second;
  }
  for (const auto& [host, ranks] : stretches) {
    const auto is_of_host = [&name = host](const auto& each) { return each.first == name; };
    const bool comes_again = std::count_if(stretches.begin(), stretches.end(), is_of_host) > 1;
    if (comes_again)
      return fmt::format("the ranks of host {} are not neighbours; start them with mpirun --map-by slot",
                         host);
    if (ranks != stretches.front().second)
      return fmt::format(
          "host {} has {} ranks and host {} has {}; a cluster has the same number on every node",
          stretches.front().first, stretches.front().second, host, ranks);
  }
  return std::nullopt;
}

HostLayout host_layout(std::span<const std::string> hosts) {
  const auto on_first = std::count(hosts.begin(), hosts.end(), hosts.front());
  return {.hosts = static_cast<std::int64_t>(hosts.size()) / on_first, .ranks_per_host = on_first};
}

LinkMeasurements measure_links(const MpiSession& session, Seconds each,
                               const std::function<void(int done, int of)>& progress) {
  return Links(session, each, progress).run();
}

}  // namespace foreshard
