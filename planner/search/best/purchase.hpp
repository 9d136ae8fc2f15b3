#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "planner/results/study_progress.hpp"
#include "planner/search/best/search_result.hpp"
#include "planner/search/space/search_axis.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

using DollarsPerJoule = decltype(Dollars() / Joules());

/// The price of machines that are bought.
struct OwnedCluster {
  std::string cluster;  ///< its name
  Dollars per_device;   ///< with its share of the node, the network and the installation
};

/// What owning costs besides the machines. A training pays for the part of their life that it takes.
struct OwningTerms {
  Seconds lifetime = 4.0 * 365.0 * kDay;  ///< over which machines are written off, in use all the time
  DollarsPerJoule electricity = Dollars(0.08) / kKilowattHour;
  double pue =
      1.3;  ///< power usage effectiveness: power of the building, cooling included, over that of the machines
};

/// How many devices of which cluster to order for a training.
struct PurchaseRequest {
  JobSpec job;  ///< says how long the training is; its cluster does not count
  std::vector<ClusterSpec> clusters;
  std::optional<Seconds> deadline;  ///< the training ends by then; or
  std::optional<Dollars> budget;    ///< it costs no more. Exactly one of them is set
  std::vector<SearchAxis> free;
  std::vector<OwnedCluster> owned{};  ///< clusters that may be bought; the last of several of one name counts
  OwningTerms owning{};
  double memory_margin = 0.0;
  std::int64_t most_devices = 65'536;  ///< larger clusters are not tried
  std::size_t threads = 1;
  StudyProgress progress{};
  const std::atomic<bool>* stop = nullptr;
};

/// What a training costs on machines of one's own.
struct OwningCost {
  Dollars machines;     ///< of all nodes, idle devices included
  Dollars electricity;  ///< of the devices in use, and of cooling

  [[nodiscard]] Dollars total() const { return machines + electricity; }
};

/// The training on a number of devices of a cluster, with the best plan there.
struct PurchaseSize {
  FoundPlan best;
  Seconds time;  ///< of the whole training of typical steps, with failures if the job describes them
  std::optional<Dollars> rent{};    ///< idle devices included; none without a price
  std::optional<OwningCost> own{};  ///< none unless the cluster may be bought
  std::optional<Joules> energy{};   ///< of the devices in use, without cooling
  double goodput = 1.0;             ///< share of the time that goes into steps that count
  double efficiency = 1.0;          ///< tokens per second and device over those of the smallest cluster tried

  /// The lower one of rent and owning.
  [[nodiscard]] std::optional<Dollars> cost() const;
  /// Of all nodes, idle ones included.
  [[nodiscard]] std::int64_t devices() const { return best.job().cluster.paid_devices(); }
};

/// One cluster: the sizes that were tried, from small to large, and the one to order.
struct PurchaseOption {
  ClusterSpec cluster;
  std::vector<PurchaseSize> sizes;
  std::optional<std::size_t> chosen;  ///< none: no size meets the deadline or the budget
  /// The first size tried on which a device does less than half of what it does on the smallest; none: not reached.
  std::optional<std::int64_t> stops_scaling;
  bool complete = true;
};

struct Purchase {
  std::optional<Seconds> deadline;
  std::optional<Dollars> budget;
  std::optional<OwningTerms> owning{};    ///< if a cluster may be bought
  std::vector<PurchaseOption> options{};  ///< in the order asked for
  /// The options that meet the request, the best first: with a deadline the cheapest (of clusters without a price the one
  /// with fewest devices, after the others), with a budget the fastest.
  std::vector<std::size_t> ranking{};
  /// Probability that the first is better than each of the following, as ranked, from the kernels' error alone; none where
  /// prices are missing.
  std::vector<std::optional<double>> sure{};
};

/// Times are those of typical steps (StepFigures::typical), because budgets and deadlines are met by what runs take, not
/// by the best that they can.
///
/// Tries sizes of each cluster, whole nodes, twice as many each time, beginning where the job first fits; then three sizes
/// between the last that did not meet the deadline and the first that does. With a deadline the smallest that meets it is
/// chosen; with a budget the fastest that keeps it.
Purchase plan_purchase(const PurchaseRequest& request);

}  // namespace foreshard
