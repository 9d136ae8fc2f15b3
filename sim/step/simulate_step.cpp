#include "sim/step/simulate_step.hpp"

#include <stdexcept>

#include <fmt/format.h>

#include "sim/step/program_plan.hpp"
#include "sim/step/rank_layout.hpp"
#include "sim/step/step_simulation.hpp"

namespace foreshard {

double SimulationResult::bubble_fraction() const {
  if (ranks.empty() || step_time == SimTime()) return 0.0;
  Seconds idle;
  for (const RankResult& rank : ranks) idle += rank.bubble.seconds();
  return idle / (step_time.seconds() * static_cast<double>(ranks.size()));
}

void check_options(const SimulationOptions& options) {
  for (const double share :
       {options.communication_share, options.exchange_share.value_or(options.communication_share)}) {
    if (!(share >= 0.0 && share <= 0.999)) {
      throw std::invalid_argument(fmt::format("communication_share is {}; it must lie in [0, 0.999]", share));
    }
  }
  if (options.blocks_ahead < 1) {
    throw std::invalid_argument(
        fmt::format("visits_ahead is {}; it must be at least 1", options.blocks_ahead));
  }
  if (!(options.read_back >= Seconds(0.0) && options.read_back <= Seconds(1.0))) {
    throw std::invalid_argument(
        fmt::format("read_back is {} s; it must lie in [0 s, 1 s]", options.read_back.value()));
  }
  if (!options.every_rank && !options.disturbance.speeds.empty())
    throw std::invalid_argument("ranks that differ must be played one by one: every_rank is not set");
}

SimulationResult simulate_step(const StepProgram& program, const OpTimes& times, TimelineSink& timeline,
                               const SimulationOptions& options) {
  check_options(options);
  const ProgramPlan plan = plan_program(program, times);
  const RankLayout layout =
      options.every_rank ? every_rank(program, plan) : one_rank_per_stage(program, plan);
  return StepSimulation(program, plan, layout, timeline, options).run();
}

SimulationResult simulate_step(const StepProgram& program, const CostModel& cost, TimelineSink& timeline,
                               const SimulationOptions& options) {
  return simulate_step(program, price_operations(program, cost), timeline, options);
}

}  // namespace foreshard
