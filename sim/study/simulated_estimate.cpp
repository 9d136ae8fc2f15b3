#include "sim/study/simulated_estimate.hpp"

#include "planner/cost/step/check_estimate.hpp"

namespace foreshard {

namespace {

/// The simulated time of each cause, as the mean over the stages.
StepBreakdown mean_breakdown(const SimulationResult& simulation) {
  StepBreakdown parts;
  const double share = 1.0 / static_cast<double>(simulation.ranks.size());
  for (const RankResult& stage : simulation.ranks) {
    const auto exposed = [&](CommAxis axis) {
      return share * stage.exposed[static_cast<std::size_t>(axis)].seconds();
    };
    parts.compute += share * stage.compute.seconds();
    parts.optimizer += share * stage.optimizer.seconds();
    parts.tp_exposed += exposed(CommAxis::tp);
    parts.pp_exposed += exposed(CommAxis::pp);
    parts.dp_exposed += exposed(CommAxis::dp);
    parts.cp_exposed += exposed(CommAxis::cp);
    parts.ep_exposed += exposed(CommAxis::ep);
    parts.offload_exposed += exposed(CommAxis::offload);
    parts.host += share * stage.host.seconds();
    parts.bubble += share * stage.bubble.seconds();
  }
  parts.overhead = parts.host;
  return parts;
}

}  // namespace

Estimate with_simulation(const JobSpec& job, Estimate estimate, const SimulationResult& simulation) {
  StepFigures& step = estimate.step;
  const Seconds simulated = simulation.step_time.seconds();
  const double longer = simulated / step.time;
  step.time = simulated;
  step.time_low *= longer;
  step.time_high *= longer;
  step.typical.time *= longer;
  step.typical.low *= longer;
  step.typical.high *= longer;
  step.mfu /= longer;
  step.hfu /= longer;
  step.mfu_causal /= longer;
  step.breakdown = mean_breakdown(simulation);
  step.bubble_fraction = simulation.bubble_fraction();
  estimate.training = training_figures(job, step);
  estimate.basis = "simulated";
  check_estimate(job, estimate);
  return estimate;
}

}  // namespace foreshard
