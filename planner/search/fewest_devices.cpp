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

class SizeSearch {
 public:
  SizeSearch(const JobSpec& job, std::span<const Axis> fixed) : base_(job), fixed_(fixed) {
    base_.measured.reset();
    const ClusterSpec& cluster = job.cluster;
    node_ = cluster.devices_per_node + cluster.idle_per_node;
  }

  std::optional<FewestDevices> run() {
    for (std::int64_t devices = 1; devices <= node_; devices *= 2) {
      const Size size{.nodes = 1, .devices_per_node = devices};
      if (fits(size)) return fastest_on(size);
    }
    if (node_ > 1 && (node_ & (node_ - 1)) != 0 && fits({1, node_})) return fastest_on({1, node_});
    std::int64_t too_few = 1;
    std::int64_t enough = 0;
    for (std::int64_t nodes = 2; enough == 0 && nodes * node_ <= kMostDevices; nodes *= 2) {
      (fits({nodes, node_}) ? enough : too_few) = nodes;
    }
    if (enough == 0) return std::nullopt;
    while (enough - too_few > 1) {
      const std::int64_t middle = too_few + (enough - too_few) / 2;
      (fits({middle, node_}) ? enough : too_few) = middle;
    }
    return fastest_on({enough, node_});
  }

 private:
  /// The job with these degrees and settings; none if that is not legal.
  [[nodiscard]] std::optional<JobSpec> variant(const Size& size, std::int64_t tp, std::int64_t pp,
                                               const Thrift& thrift) const {
    JobSpec job = base_;
    job.cluster.nodes = size.nodes;
    job.cluster.devices_per_node = size.devices_per_node;
    job.cluster.idle_per_node = node_ - size.devices_per_node;
    ParallelismSpec& p = job.parallelism;
    const std::int64_t others = checked_product(tp, pp, p.cp);
    if (size.devices() % others != 0) return std::nullopt;
    p.tp = tp;
    p.pp = pp;
    p.zero = thrift.zero;
    while (p.vp > 1 && checked_product(p.pp, p.vp) > job.model.layers) p.vp /= 2;
    if (thrift.recompute != base_.training.recompute) {
      job.training.recompute = thrift.recompute;
      job.training.recompute_modules.clear();
      job.training.recompute_layers = AllLayers{};
    }
    job.training.micro_batch = thrift.micro_batch;
    follow_degrees(job, base_, {});
    p.ep = std::gcd(p.ep, checked_product(p.dp, p.cp));
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

  /// The settings to try.
  [[nodiscard]] std::vector<Thrift> thrifts() const {
    std::vector<Thrift> all;
    const TrainingSpec& training = base_.training;
    for (const Recompute recompute : std::set{training.recompute, thriftiest_recompute()}) {
      for (const std::int64_t micro_batch : std::set{training.micro_batch, least_micro_batch()}) {
        for (int zero = base_.parallelism.zero; zero <= most_zero(); ++zero)
          all.push_back({.zero = zero, .recompute = recompute, .micro_batch = micro_batch});
      }
    }
    return all;
  }

  /// Calls `use(tp, pp)` for all degrees that the size allows; stops when it returns true.
  template <class Use>
  bool any_degrees(const Size& size, Use use) const {
    for (std::int64_t tp = 1; tp <= size.devices_per_node; tp *= 2) {
      const std::int64_t most = std::min(size.devices() / tp, base_.model.layers);
      if (is_fixed(Axis::tp) && tp != base_.parallelism.tp) continue;
      for (std::int64_t pp = 1; pp <= most; ++pp) {
        if (is_fixed(Axis::pp) && pp != base_.parallelism.pp) continue;
        if (size.devices() % (tp * pp) == 0 && use(tp, pp)) return true;
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
    return any_degrees(size, [&](std::int64_t tp, std::int64_t pp) {
      for (const std::int64_t micro_batch : std::set{least_micro_batch(), base_.training.micro_batch}) {
        bool is_legal = false;
        for (int zero = most_zero(); zero >= base_.parallelism.zero; --zero) {
          const Thrift thrift{.zero = zero, .recompute = thriftiest_recompute(), .micro_batch = micro_batch};
          const auto job = variant(size, tp, pp, thrift);
          is_legal = is_legal || job;
          if (job && fits(*job)) return true;
        }
        if (is_legal) return false;  // larger micro-batches need no less
      }
      return false;
    });
  }

  std::optional<FewestDevices> fastest_on(const Size& size) {
    std::optional<FewestDevices> best;
    any_degrees(size, [&](std::int64_t tp, std::int64_t pp) {
      for (const Thrift& thrift : thrifts()) {
        const auto job = variant(size, tp, pp, thrift);
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
  std::int64_t sizes_ = 0;
  std::int64_t plans_ = 0;
};

}  // namespace

std::optional<FewestDevices> fewest_devices(const JobSpec& job, std::span<const Axis> fixed) {
  return SizeSearch(job, fixed).run();
}

}  // namespace foreshard
