#include "planner/explain/worth.hpp"

#include <utility>

namespace foreshard {
namespace {

/// Differences below this share of the step are rounding.
constexpr double kRounding = 1e-9;

class WorthSum {
 public:
  WorthSum(const JobSpec& job, const Estimate& estimate, double more)
      : job_(job),
        more_(more),
        step_(estimate.step.time),
        tokens_(estimate.step.tokens),
        fits_(estimate.memory.fits),
        needed_(estimate.memory.reserved + estimate.memory.context) {}

  HardwareWorth run() {
    result_.step = step_;
    if (job_.cluster.price) result_.dollars_per_token = dollars(step_);
    const Bytes capacity = job_.cluster.accelerator.memory_capacity;
    const ClusterSpec larger = with_more(job_.cluster, Lever::memory_size, more_);
    near_ = near_plans(job_, larger.accelerator.memory_capacity, result_.tried);
    if (std::optional<NearPlan> now = fastest(near_, capacity); now && (!fits_ || is_less(now->step, step_)))
      result_.better = std::move(now);
    least_ = result_.better ? result_.better->step : step_;
    for (const Lever lever : kLevers) result_.levers.push_back(worth_of(lever));
    return std::move(result_);
  }

 private:
  [[nodiscard]] bool is_less(Seconds a, Seconds b) const { return b - a > kRounding * step_; }
  [[nodiscard]] double dollars(Seconds step) const {
    return (*job_.cluster.price * (step * static_cast<double>(job_.cluster.paid_devices()))).value() /
           tokens_;
  }

  LeverWorth worth_of(Lever lever) {
    LeverWorth worth{.lever = lever, .applies = applies(lever, job_.cluster)};
    if (!worth.applies) return worth;
    JobSpec moved = job_;
    moved.cluster = with_more(job_.cluster, lever, more_);
    worth.step = lever == Lever::memory_size ? step_ : estimate(moved).step.time;
    if (lever == Lever::memory_size) {
      take_plan(worth, fastest(near_, moved.cluster.accelerator.memory_capacity));
      worth.makes_it_fit = !fits_ && needed_ <= moved.cluster.accelerator.memory_capacity;
    }
    if (lever == Lever::node_size) {
      const Bytes capacity = moved.cluster.accelerator.memory_capacity;
      take_plan(worth, fastest(near_plans(moved, capacity, result_.tried), capacity));
    }
    price(worth);
    return worth;
  }

  /// Keeps a plan that the lever allows if no plan without it is as fast.
  void take_plan(LeverWorth& worth, std::optional<NearPlan> plan) const {
    if (plan && is_less(plan->step, worth.step) && is_less(plan->step, least_)) worth.plan = std::move(plan);
  }

  /// Levers that allow no other plan are compared with the job's own step; the others with the fastest plan that
  /// there is without them.
  void price(LeverWorth& worth) const {
    const Seconds before = worth.plan ? least_ : step_;
    const Seconds after = worth.plan ? worth.plan->step : worth.step;
    worth.change = after - before;
    worth.worth_of_price = before / after - 1.0;
    if (job_.cluster.price) worth.dollars_per_token = dollars(after) - dollars(before);
  }

  const JobSpec& job_;
  double more_;
  Seconds step_;
  double tokens_;
  bool fits_;
  Bytes needed_;
  Seconds least_;
  std::vector<NearPlan> near_;
  HardwareWorth result_;
};

}  // namespace

HardwareWorth hardware_worth(const JobSpec& job, const Estimate& estimate, double more) {
  return WorthSum(job, estimate, more).run();
}

}  // namespace foreshard
