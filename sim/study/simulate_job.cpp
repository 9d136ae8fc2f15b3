#include "sim/study/simulate_job.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "planner/cost/step/estimate.hpp"
#include "sim/disturb/over_seeds.hpp"
#include "sim/study/job_plays.hpp"
#include "sim/study/play_trainings.hpp"
#include "sim/study/simulated_estimate.hpp"
#include "sim/study/simulated_step.hpp"
#include "sim/trace/chrome_trace.hpp"
#include "sim/trace/step_outliner.hpp"

namespace foreshard {
namespace {

void add_links(ChromeTrace& trace, const NetworkResult& result) {
  constexpr std::size_t kMost = 32;
  for (std::size_t l = 0; l < std::min(kMost, result.links.size()); ++l) {
    const LinkLoad& load = result.links[l];
    trace.add_counter("links", to_string(load.link), result.series.bytes(load.index),
                      result.series.interval());
  }
}

/// Simulates the step, and writes its trace if one is requested. @param also  a further sink, or null
NetworkResult play_with_trace(const JobPlays& plays, const Disturbance& disturbance,
                              const SimulationRequest& request, TimelineSink* also) {
  if (!request.trace) return plays.play(disturbance, also, request.progress);
  ChromeTrace trace(
      request.trace->out, plays.playable().program,
      {.all_ranks = request.trace->has_all_ranks, .micro_batches = request.trace->micro_batches});
  NoTimeline nothing;
  TwoTimelines both(trace, also != nullptr ? *also : nothing);
  NetworkResult result = plays.play(disturbance, &both, request.progress);
  add_links(trace, result);
  trace.finish();
  return result;
}

/// Shortest pause between the spans of an outline: on a wide screen, less than a pixel or two.
Picoseconds outline_resolution(Seconds step) {
  constexpr double kPausesPerStep = 2000.0;
  return static_cast<Picoseconds>(step.value() / kPausesPerStep * 1e12);
}

std::vector<SeededStep> play_all_seeds(const JobPlays& plays, const SimulationRequest& request) {
  const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  const auto finished = [&](std::size_t done) {
    if (request.progress)
      request.progress("draws", static_cast<std::int64_t>(done), static_cast<std::int64_t>(request.seeds));
  };
  return over_seeds(
      request.seed, request.seeds, threads,
      [&](std::uint64_t seed) { return plays.play(plays.drawn(seed), nullptr, {}).jobs.front().step_time; },
      finished);
}

DrawnSteps summary_of(const std::vector<SeededStep>& steps) {
  const auto time = [&](double share) { return percentile(steps, share).time.seconds(); };
  return {.draws = steps.size(), .fifth = time(0.05), .median = time(0.5), .ninety_fifth = time(0.95)};
}

bool is_disturbed(const SimulationRequest& request) {
  return !request.disturbance.empty() || !request.degraded.empty() || request.beside;
}

}  // namespace

SimulatedJob simulate_job(JobSpec job, const SimulationRequest& request) {
  const JobPlays plays(job, request);
  // Estimate before simulating: its error message names the input figure that makes a result impossible.
  const Estimate summed = estimate(job, plays.playable().program);
  std::optional<DrawnSteps> drawn;
  std::uint64_t seed = request.seed;
  if (request.seeds > 1) {
    const std::vector<SeededStep> steps = play_all_seeds(plays, request);
    drawn = summary_of(steps);
    seed = percentile(steps, 0.5).seed;
  }
  const Disturbance disturbance = plays.drawn(seed);
  StepOutliner outliner(plays.playable().program, outline_resolution(summed.step.time));
  const NetworkResult result =
      play_with_trace(plays, disturbance, request, request.has_outline ? &outliner : nullptr);
  const SimulationResult& simulated = result.jobs.front();

  SimulatedJob done;
  done.simulation = simulated_step(simulated, disturbance);
  done.simulation.network = request.network;
  done.simulation.has_every_rank = !result.is_folded;
  done.simulation.links = simulated_links(result.links);
  done.simulation.seed = seed;
  done.simulation.drawn = drawn;
  if (request.has_outline) done.simulation.outline = std::move(outliner).finish();
  if (is_disturbed(request)) done.simulation.undisturbed = plays.undisturbed().seconds();
  if (request.beside) {
    done.simulation.beside = {.name = request.beside->name,
                              .step = result.jobs[1].step_time.seconds(),
                              .alone = plays.other_alone().seconds()};
  }
  Estimate answer = with_simulation(job, summed, simulated);
  if (request.network == NetworkModel::flow) answer.basis = "simulated with flows";
  done.trainings = play_trainings(job, answer.training);
  Advice advice = advise(job, summed);
  done.planned = {std::move(job), std::move(answer), std::move(advice)};
  return done;
}

}  // namespace foreshard
