#include "planner/search/fewest_devices.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/search/variants.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "planner/units/count.hpp"

namespace foreshard {
namespace {

/// A cluster of the job's kind: some devices of one node, or whole nodes.
struct Size {
  std::int64_t nodes = 1;
  std::int64_t devices_per_node = 1;
  [[nodiscard]] std::int64_t devices() const { return checked_product(nodes, devices_per_node); }
};

/// What one plan sets beside the degrees.
struct Thrift {
  int zero = 0;
  Recompute recompute = Recompute::none;
  std::int64_t micro_batch = 1;
};

struct SizeDegrees {
  std::int64_t tp = 1;
  std::int64_t pp = 1;
  std::int64_t ep = 1;
};

/// How often cp is doubled where the job fits on no number of devices: 64 times its degree at most.
constexpr std::int64_t kMostCp = 64;
/// How many numbers of nodes are looked at for one over which the job's batch, layers and experts spread.
constexpr std::int64_t kNearby = 64;

class SizeSearch {
 public:
  SizeSearch(const JobSpec& job, std::span<const Axis> fixed) : base_(job), fixed_(fixed) {
    base_.measured.reset();
    const ClusterSpec& cluster = job.cluster;
    node_ = cluster.devices_per_node + cluster.idle_per_node;
  }

  std::optional<FewestDevices> run() {
    for (cp_ = base_.parallelism.cp; cp_ <= kMostCp * base_.parallelism.cp; cp_ *= 2) {
      if (const std::optional<Size> size = smallest()) return fastest_on(*size);
      if (is_fixed(Axis::cp)) break;
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] Size whole_nodes(std::int64_t nodes) const {
    return {.nodes = nodes, .devices_per_node = node_};
  }

  /// The smallest size on which the job fits with this cp.
  std::optional<Size> smallest() {
    for (std::int64_t devices = 1; devices <= node_; devices *= 2) {
      const Size size{.nodes = 1, .devices_per_node = devices};
      if (fits(size)) return size;
    }
    if ((node_ & (node_ - 1)) != 0 && fits(whole_nodes(1))) return whole_nodes(1);
    std::int64_t too_few = 1;
    std::int64_t enough = 0;
    for (std::int64_t nodes = 2; enough == 0 && nodes * node_ <= most_devices(); nodes *= 2) {
      const std::optional<std::int64_t> legal = first_legal(nodes, std::min(2 * nodes, nodes + kNearby), 1);
      if (legal) (fits(whole_nodes(*legal)) ? enough : too_few) = *legal;
    }
    if (enough == 0) return std::nullopt;
    while (enough - too_few > 1) {
      const std::int64_t middle = too_few + (enough - too_few) / 2;
      std::optional<std::int64_t> legal = first_legal(middle, std::min(enough, middle + kNearby), 1);
      if (!legal) legal = first_legal(middle - 1, std::max(too_few, middle - kNearby), -1);
      if (!legal) break;
      (fits(whole_nodes(*legal)) ? enough : too_few) = *legal;
    }
    return whole_nodes(enough);
  }

  /// More have nothing to do: each group of tp · cp devices has a layer and a sequence at least.
  [[nodiscard]] std::int64_t most_devices() const {
    const double most = static_cast<double>(node_) * static_cast<double>(cp_) *
                        static_cast<double>(base_.model.layers) *
                        static_cast<double>(base_.training.global_batch);
    return most < static_cast<double>(kMostDevices) ? static_cast<std::int64_t>(most) : kMostDevices;
  }

  /// The first number of nodes from `begin` on, before `end`, over which some degrees spread the job.
  [[nodiscard]] std::optional<std::int64_t> first_legal(std::int64_t begin, std::int64_t end,
                                                        std::int64_t step) const {
    for (std::int64_t nodes = begin; nodes != end; nodes += step)
      if (is_legal(whole_nodes(nodes))) return nodes;
    return std::nullopt;
  }
  [[nodiscard]] bool is_legal(const Size& size) const {
    return any_degrees(size, [&](const SizeDegrees& degrees) {
      for (const std::int64_t micro_batch : micro_batches()) {
        const Thrift thrift{
            .zero = most_zero(), .recompute = thriftiest_recompute(), .micro_batch = micro_batch};
        if (variant(size, degrees, thrift)) return true;
      }
      return false;
    });
  }

  /// The job with these degrees and settings; none if that is not legal.
  [[nodiscard]] std::optional<JobSpec> variant(const Size& size, const SizeDegrees& degrees,
                                               const Thrift& thrift) const {
    JobSpec job = base_;
    job.cluster.nodes = size.nodes;
    job.cluster.devices_per_node = size.devices_per_node;
    job.cluster.idle_per_node = node_ - size.devices_per_node;
    ParallelismSpec& p = job.parallelism;
    p.tp = degrees.tp;
    p.pp = degrees.pp;
    p.cp = cp_;
    p.ep = degrees.ep;
    p.zero = thrift.zero;
    while (p.vp > 1 && checked_product(p.pp, p.vp) > job.model.layers) p.vp /= 2;
    if (thrift.recompute != base_.training.recompute) {
      job.training.recompute = thrift.recompute;
      job.training.recompute_modules.clear();
      job.training.recompute_layers = AllLayers{};
    }
    job.training.micro_batch = thrift.micro_batch;
    follow_degrees(job, base_, {});
    if (!find_illegalities(job).empty()) return std::nullopt;
    return job;
  }

  [[nodiscard]] bool is_fixed(Axis axis) const {
    return std::find(fixed_.begin(), fixed_.end(), axis) != fixed_.end();
  }
  [[nodiscard]] int most_zero() const { return is_fixed(Axis::zero) ? base_.parallelism.zero : 3; }
  [[nodiscard]] std::int64_t least_micro_batch() const {
    return is_fixed(Axis::micro_batch) ? base_.training.micro_batch : 1;
  }
  [[nodiscard]] Recompute thriftiest_recompute() const {
    return is_fixed(Axis::recompute) ? base_.training.recompute : Recompute::full;
  }

  [[nodiscard]] std::set<std::int64_t> micro_batches() const {
    return {least_micro_batch(), base_.training.micro_batch};
  }

  /// The settings to try.
  [[nodiscard]] std::vector<Thrift> thrifts() const {
    std::vector<Thrift> all;
    const TrainingSpec& training = base_.training;
    for (const Recompute recompute : std::set{training.recompute, thriftiest_recompute()}) {
      for (const std::int64_t micro_batch : micro_batches()) {
        for (int zero = base_.parallelism.zero; zero <= most_zero(); ++zero)
          all.push_back({.zero = zero, .recompute = recompute, .micro_batch = micro_batch});
      }
    }
    return all;
  }

  /// SizeDegrees of ep: the job's, the most that there are experts for, and the most within a node, as far as they divide
  /// the replicas.
  [[nodiscard]] std::set<std::int64_t> eps(std::int64_t tp, std::int64_t replicas, const Size& size) const {
    const std::int64_t own = base_.parallelism.ep;
    if (is_fixed(Axis::ep)) return {own};
    if (!base_.model.experts) return {1};
    const std::int64_t most = std::gcd(base_.model.experts->count, replicas);
    const std::int64_t in_node = std::max<std::int64_t>(size.devices_per_node / tp, 1);
    return {std::gcd(own, replicas), most, std::gcd(most, in_node)};
  }

  /// Calls `use(degrees)` for all that the size allows; stops when it returns true.
  template <class Use>
  bool any_degrees(const Size& size, Use use) const {
    for (std::int64_t tp = 1; tp <= size.devices_per_node; tp *= 2) {
      const std::int64_t most = std::min(size.devices() / tp, base_.model.layers);
      if (is_fixed(Axis::tp) && tp != base_.parallelism.tp) continue;
      for (std::int64_t pp = 1; pp <= most; ++pp) {
        if (is_fixed(Axis::pp) && pp != base_.parallelism.pp) continue;
        if (size.devices() % checked_product(tp, pp, cp_) != 0) continue;
        for (const std::int64_t ep : eps(tp, size.devices() / checked_product(tp, pp), size))
          if (use(SizeDegrees{.tp = tp, .pp = pp, .ep = ep})) return true;
      }
    }
    return false;
  }

  bool fits(const JobSpec& job) {
    ++plans_;
    return memory_report(job, build_step_program(job)).fits;
  }

  /// True if the job fits with some degrees and the thriftiest settings: full recomputation and, where the batch
  /// splits, micro-batches of 1.
  bool fits(const Size& size) {
    ++sizes_;
    return any_degrees(size, [&](const SizeDegrees& degrees) {
      for (const std::int64_t micro_batch : micro_batches()) {
        bool is_legal = false;
        for (int zero = most_zero(); zero >= base_.parallelism.zero; --zero) {
          const Thrift thrift{.zero = zero, .recompute = thriftiest_recompute(), .micro_batch = micro_batch};
          const auto job = variant(size, degrees, thrift);
          is_legal = is_legal || job;
          if (job && fits(*job)) return true;
          if (job && checked_product(job->parallelism.dp, cp_) == 1) break;  // nothing to shard
        }
        if (is_legal) return false;  // larger micro-batches need no less
      }
      return false;
    });
  }

  std::optional<FewestDevices> fastest_on(const Size& size) {
    std::optional<FewestDevices> best;
    any_degrees(size, [&](const SizeDegrees& degrees) {
      for (const Thrift& thrift : thrifts()) {
        const auto job = variant(size, degrees, thrift);
        if (!job || !fits(*job)) continue;
        Estimate answer = estimate(*job);
        if (!best || answer.step.time < best->estimate.step.time)
          best = FewestDevices{.job = *job, .estimate = std::move(answer)};
      }
      return false;
    });
    if (best) {
      best->sizes = sizes_;
      best->plans = plans_;
    }
    return best;
  }

  JobSpec base_;
  std::span<const Axis> fixed_;
  std::int64_t node_ = 1;  ///< devices of a whole node
  std::int64_t cp_ = 1;    ///< that is tried now
  std::int64_t sizes_ = 0;
  std::int64_t plans_ = 0;
};

}  // namespace

std::optional<FewestDevices> fewest_devices(const JobSpec& job, std::span<const Axis> fixed) {
  return SizeSearch(job, fixed).run();
}

}  // namespace foreshard
