#include "sim/study/predict_step.hpp"

#include "sim/step/simulate_step.hpp"
#include "sim/study/simulation_options.hpp"
#include "sim/trace/chrome_trace.hpp"

namespace foreshard {
namespace {

SimulationResult simulate(const JobSpec& job, const StepProgram& program, const OpTimes& times,
                          TimelineSink& timeline) {
  return simulate_step(program, times, timeline, simulation_options(CostModel(job)));
}

}  // namespace

PredictedStep predict_step(const JobSpec& job, const StepProgram& program, const OpTimes& times) {
  NoTimeline nothing;
  const SimulationResult simulated = simulate(job, program, times, nothing);
  PredictedStep step{.time = simulated.step_time.seconds(), .waiting = {}, .exposed = {}};
  for (const RankResult& stage : simulated.ranks) {
    const auto exposed = [&](CommAxis axis) {
      return stage.exposed[static_cast<std::size_t>(axis)].seconds();
    };
    step.waiting += stage.bubble.seconds() + exposed(CommAxis::pp);
    for (const CommAxis axis : {CommAxis::tp, CommAxis::dp, CommAxis::cp, CommAxis::ep})
      step.exposed += exposed(axis);
  }
  const auto stages = static_cast<double>(simulated.ranks.size());
  step.waiting /= stages;
  step.exposed /= stages;
  return step;
}

void write_both_timelines(std::ostream& out, const JobSpec& job, const StepProgram& program,
                          const OpTimes& times, const Timeline& measured) {
  ChromeTrace trace(out, program, {.title = "predicted"});
  simulate(job, program, times, trace);
  trace.begin_another("measured");
  for (const Span& span : measured.spans()) trace.add(span);
  trace.finish();
}

}  // namespace foreshard
