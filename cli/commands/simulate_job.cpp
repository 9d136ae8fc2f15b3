#include "cli/commands/simulate_job.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "cli/commands/command.hpp"
#include "cli/commands/simulated_estimate.hpp"
#include "cli/files/output_file.hpp"
#include "cli/terminal/progress.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/trace/chrome_trace.hpp"

namespace foreshard::cli {
namespace {

SimulationOptions options_for(const JobSpec& job) {
  const Interference interference = CostModel(job).interference();
  SimulationOptions options;
  options.communication_share = interference.communication_share;
  options.host_submit = interference.submit;
  return options;
}

/// A job made ready to be played, alone or beside another.
struct Ready {
  JobSpec job;
  StepProgram program;
  OpTimes times;
  SimulationOptions options;

  explicit Ready(JobSpec spec)
      : job(std::move(spec)),
        program(build_step_program(job)),
        times(price_operations(program, CostModel(job))),
        options(options_for(job)) {}
};

/// Devices that are drawn apart must not be slow on average as well.
JobSpec without_spread(JobSpec job, const DisturbanceSpec& disturbance) {
  if (disturbance.spread > 0.0) job.cluster.accelerator.kernels.device_spread = 0.0;
  return job;
}

/// The nodes of both jobs on one fabric.
ClusterSpec shared_cluster(const JobSpec& job, const std::optional<JobSpec>& beside) {
  ClusterSpec cluster = job.cluster;
  if (!beside) return cluster;
  const ClusterSpec& other = beside->cluster;
  if (other.name != cluster.name || other.devices_per_node != cluster.devices_per_node ||
      other.accelerator.name != cluster.accelerator.name) {
    throw UsageError(fmt::format("--with needs a job on the same kind of cluster: '{}' is on {}, '{}' on {}",
                                 job.name, cluster.name, beside->name, other.name));
  }
  cluster.nodes += other.nodes;
  return cluster;
}

/// Plays the request's steps, each time with one draw of what disturbs them.
class Plays {
 public:
  Plays(const JobSpec& job, const SimulationRequest& request)
      : request_(request), ready_(without_spread(job, request.disturbance)) {
    if (request.beside) other_.emplace(*request.beside);
    if (!request.flows) return;
    fabric_.emplace(make_fabric(request.degraded));
    std::vector<std::int64_t> nodes{ready_.job.cluster.nodes};
    if (other_) nodes.push_back(other_->job.cluster.nodes);
    devices_ = place_jobs(nodes, ready_.job.cluster.devices_per_node, request.placement);
  }

  [[nodiscard]] const Ready& ready() const { return ready_; }
  [[nodiscard]] Disturbance drawn(std::uint64_t seed) const {
    if (request_.disturbance.empty()) return {};
    try {
      return draw(request_.disturbance, ready_.job.cluster.devices(), seed);
    } catch (const std::out_of_range& error) {
      throw UsageError(fmt::format("--slowdown: {}", error.what()));
    }
  }

  /// In full, with a timeline.
  /// @param progress  of the play; may be null
  NetworkResult play(const Disturbance& disturbance, TimelineSink* timeline,
                     Progress* progress = nullptr) const {
    SimulationOptions options = ready_.options;
    options.every_rank = request_.every_rank || !request_.disturbance.empty();
    options.disturbance = disturbance;
    // The ways of thousands of ranks are too long to keep.
    options.totals_only = timeline == nullptr && options.every_rank;
    options.critical_path = !options.every_rank;
    if (progress != nullptr && progress->is_shown()) {
      options.progress = [this, progress](std::uint64_t done, std::uint64_t of) {
        progress->update("simulating " + ready_.job.name, static_cast<std::int64_t>(done),
                         static_cast<std::int64_t>(of));
      };
    }
    NoTimeline nothing;
    if (!request_.flows) {
      NetworkResult result;
      result.jobs.push_back(
          simulate_step(ready_.program, ready_.times, timeline ? *timeline : nothing, options));
      result.is_folded = !options.every_rank;
      return result;
    }
    return play_flows(*fabric_, options, timeline, other_.has_value());
  }

  /// The step alone, with nothing in its way.
  [[nodiscard]] SimTime undisturbed() const {
    SimulationOptions options = ready_.options;
    options.totals_only = true;
    if (!request_.flows) {
      NoTimeline nothing;
      return simulate_step(ready_.program, ready_.times, nothing, options).step_time;
    }
    return play_flows(make_fabric({}), options, nullptr, false).jobs.front().step_time;
  }
  /// The other job's step with the fabric for itself.
  [[nodiscard]] SimTime other_alone() const {
    SimulationOptions options = other_->options;
    options.totals_only = true;
    const std::vector<NetworkJob> jobs{
        {.job = other_->job, .program = other_->program, .devices = devices_[1], .options = options}};
    return play_on_network(jobs, *fabric_).jobs.front().step_time;
  }

 private:
  [[nodiscard]] Fabric make_fabric(std::span<const Degradation> degraded) const {
    try {
      return Fabric(shared_cluster(ready_.job, request_.beside), degraded);
    } catch (const std::out_of_range& error) {
      throw UsageError(fmt::format("--degrade: {}", error.what()));
    }
  }
  NetworkResult play_flows(const Fabric& fabric, const SimulationOptions& options, TimelineSink* timeline,
                           bool beside) const {
    std::vector<NetworkJob> jobs{{.job = ready_.job,
                                  .program = ready_.program,
                                  .devices = devices_[0],
                                  .options = options,
                                  .timeline = timeline}};
    if (beside) {
      SimulationOptions others = other_->options;
      others.every_rank = options.every_rank;
      others.totals_only = true;
      jobs.push_back(
          {.job = other_->job, .program = other_->program, .devices = devices_[1], .options = others});
    }
    return play_on_network(jobs, fabric);
  }

  const SimulationRequest& request_;
  Ready ready_;
  std::optional<Ready> other_;
  std::optional<Fabric> fabric_;
  std::vector<std::vector<Rank>> devices_;
};

void add_links(ChromeTrace& trace, const NetworkResult& result) {
  constexpr std::size_t kMost = 32;
  for (std::size_t l = 0; l < std::min(kMost, result.links.size()); ++l) {
    const LinkLoad& load = result.links[l];
    trace.add_counter("links", to_string(load.link), result.series.bytes(load.index),
                      result.series.interval());
  }
}

NetworkResult play_with_trace(const Plays& plays, const Disturbance& disturbance,
                              const SimulationRequest& request, Progress& progress) {
  if (request.trace.empty()) return plays.play(disturbance, nullptr, &progress);
  OutputFile file(request.trace, compression_for(request.trace));
  ChromeTrace trace(file.stream(), plays.ready().program,
                    {.all_ranks = request.trace_all_ranks, .micro_batches = request.trace_micro_batches});
  NetworkResult result = plays.play(disturbance, &trace, &progress);
  add_links(trace, result);
  trace.finish();
  file.finish();
  return result;
}

std::vector<SeededStep> all_seeds(const Plays& plays, const SimulationRequest& request, Progress& progress) {
  const std::size_t threads = std::max(1U, std::thread::hardware_concurrency());
  return over_seeds(
      request.seed, request.seeds, threads,
      [&](std::uint64_t seed) { return plays.play(plays.drawn(seed), nullptr).jobs.front().step_time; },
      [&](std::size_t done) {
        progress.update("draws", static_cast<std::int64_t>(done), static_cast<std::int64_t>(request.seeds));
      });
}

}  // namespace

SimulatedJob simulate_job(JobSpec job, const SimulationRequest& request) {
  const Plays plays(job, request);
  // Before anything is played: it names the figure of the input that makes a result impossible.
  const Estimate summed = estimate(job, plays.ready().program);
  Progress progress(true);
  SimulatedJob done;
  done.seed = request.seed;
  if (request.seeds > 1) {
    done.seeds = all_seeds(plays, request, progress);
    done.seed = percentile(done.seeds, 0.5).seed;
  }
  done.disturbance = plays.drawn(done.seed);
  NetworkResult result = play_with_trace(plays, done.disturbance, request, progress);
  done.simulation = std::move(result.jobs.front());
  done.flows = request.flows;
  done.every_rank = !result.is_folded;
  done.links = std::move(result.links);
  const bool is_disturbed = !request.disturbance.empty() || !request.degraded.empty() || request.beside;
  if (is_disturbed) done.undisturbed = plays.undisturbed();
  if (request.beside) {
    done.beside = {
        .name = request.beside->name, .step = result.jobs[1].step_time, .alone = plays.other_alone()};
  }
  Estimate answer = with_simulation(job, summed, done.simulation);
  if (request.flows) answer.basis = "simulated with flows";
  Advice advice = advise(job, summed);
  done.planned = {std::move(job), std::move(answer), std::move(advice)};
  return done;
}

}  // namespace foreshard::cli
