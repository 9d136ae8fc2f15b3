#include "sim/study/job_plays.hpp"

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/results/request_error.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/study/simulation_options.hpp"

namespace foreshard {
namespace {

/// If the speeds of devices are drawn, removes the average slowdown that the cost model includes for their
/// spread: it must not count twice.
JobSpec without_spread(JobSpec job, const DisturbanceSpec& disturbance) {
  if (disturbance.spread > 0.0) job.cluster.accelerator.kernels.device_spread = 0.0;
  return job;
}

/// The cluster with the nodes of both jobs on one fabric.
ClusterSpec shared_cluster(const JobSpec& job, const std::optional<JobSpec>& beside) {
  ClusterSpec cluster = job.cluster;
  if (!beside) return cluster;
  const ClusterSpec& other = beside->cluster;
  if (other.name != cluster.name || other.devices_per_node != cluster.devices_per_node ||
      other.accelerator.name != cluster.accelerator.name) {
    throw RequestError("with", fmt::format("both jobs must be on the same kind of cluster: '{}' is on {}, "
                                           "'{}' on {}",
                                           job.name, cluster.name, beside->name, other.name));
  }
  cluster.nodes += other.nodes;
  return cluster;
}

}  // namespace

PlayableJob::PlayableJob(JobSpec spec) : job(std::move(spec)), program(build_step_program(job)) {
  const CostModel cost(job);
  times = price_operations(program, cost);
  options = simulation_options(cost);
}

JobPlays::JobPlays(const JobSpec& job, const SimulationRequest& request)
    : request_(request), playable_(without_spread(job, request.disturbance)) {
  if (request.beside) other_.emplace(*request.beside);
  if (!has_flows()) return;
  fabric_.emplace(make_fabric(request.degraded));
  std::vector<std::int64_t> nodes{playable_.job.cluster.nodes};
  if (other_) nodes.push_back(other_->job.cluster.nodes);
  devices_ = place_jobs(nodes, playable_.job.cluster.devices_per_node, request.placement);
}

Disturbance JobPlays::drawn(std::uint64_t seed) const {
  if (request_.disturbance.empty()) return {};
  try {
    return draw(request_.disturbance, playable_.job.cluster.devices(), seed);
  } catch (const std::out_of_range& error) {
    throw RequestError("slowdown", error.what());
  }
}

NetworkResult JobPlays::play(const Disturbance& disturbance, TimelineSink* timeline,
                             const StudyProgress& progress) const {
  SimulationOptions options = playable_.options;
  options.every_rank = request_.every_rank || !request_.disturbance.empty();
  options.disturbance = disturbance;
  // The critical path over thousands of ranks needs too much memory.
  options.totals_only = timeline == nullptr && options.every_rank;
  options.critical_path = !options.every_rank;
  if (progress) {
    options.progress = [&](std::uint64_t done, std::uint64_t of) {
      progress("simulating " + playable_.job.name, static_cast<std::int64_t>(done),
               static_cast<std::int64_t>(of));
    };
  }
  if (!has_flows()) return play_alone(options, timeline);
  std::vector<NetworkJob> jobs{on_network(options, timeline)};
  if (other_) {
    SimulationOptions others = other_->options;
    others.every_rank = options.every_rank;
    others.totals_only = true;
    jobs.push_back(
        {.job = other_->job, .program = other_->program, .devices = devices_[1], .options = others});
  }
  return play_on_network(jobs, *fabric_);
}

SimTime JobPlays::undisturbed() const {
  SimulationOptions options = playable_.options;
  options.totals_only = true;
  if (!has_flows()) return play_alone(options, nullptr).jobs.front().step_time;
  const std::vector<NetworkJob> jobs{on_network(options, nullptr)};
  return play_on_network(jobs, make_fabric({})).jobs.front().step_time;
}

SimTime JobPlays::other_alone() const {
  SimulationOptions options = other_->options;
  options.totals_only = true;
  const std::vector<NetworkJob> jobs{
      {.job = other_->job, .program = other_->program, .devices = devices_[1], .options = options}};
  return play_on_network(jobs, *fabric_).jobs.front().step_time;
}

NetworkResult JobPlays::play_alone(const SimulationOptions& options, TimelineSink* timeline) const {
  NoTimeline nothing;
  NetworkResult result;
  result.jobs.push_back(
      simulate_step(playable_.program, playable_.times, timeline ? *timeline : nothing, options));
  result.is_folded = !options.every_rank;
  return result;
}

NetworkJob JobPlays::on_network(const SimulationOptions& options, TimelineSink* timeline) const {
  return {.job = playable_.job,
          .program = playable_.program,
          .devices = devices_[0],
          .options = options,
          .timeline = timeline};
}

Fabric JobPlays::make_fabric(std::span<const Degradation> degraded) const {
  try {
    return Fabric(shared_cluster(playable_.job, request_.beside), degraded);
  } catch (const std::out_of_range& error) {
    throw RequestError("degrade", error.what());
  }
}

}  // namespace foreshard
