#include "sim/network/play_on_network.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/units/result_error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;

namespace {

NetworkResult play(const JobSpec& job, bool every_rank, std::span<const Degradation> degraded = {}) {
  const StepProgram program = build_step_program(job);
  SimulationOptions options;
  options.every_rank = every_rank;
  options.totals_only = true;
  const std::vector<std::int64_t> nodes{job.cluster.nodes};
  const std::vector<NetworkJob> jobs{
      {.job = job,
       .program = program,
       .devices = place_jobs(nodes, job.cluster.devices_per_node, JobPlacement::packed).front(),
       .options = options}};
  return play_on_network(jobs, Fabric(job.cluster, degraded));
}

double step_of(const NetworkResult& result) { return result.jobs.front().step_time.seconds().value(); }

double planned_step(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  NoTimeline nothing;
  SimulationOptions options;
  options.totals_only = true;
  return simulate_step(program, CostModel(job), nothing, options).step_time.seconds().value();
}

JobSpec job_from(const std::string& text) { return parse_jobs(text, "test").at(0); }

/// Two nodes of eight devices: tensor parallelism within a node, data parallelism across nodes.
JobSpec two_nodes(const std::string& parallelism, const std::string& cluster = "{name: dgx-h100, nodes: 2}") {
  return job_from("model: llama3-8b\ncluster: " + cluster + "\nparallelism: " + parallelism +
                  "\ntraining: {sequence_length: 4096, global_batch: 32, micro_batch: 1}\n");
}

}  // namespace

TEST_CASE("a step that ends beyond the simulator's clock is refused, however slow a link or a latency") {
  const JobSpec job = two_nodes("{tp: 8, dp: 2}");
  for (const double share : {1e-9, 1e-300, 5e-324}) {
    INFO(share << " of a device's links is left");
    const std::vector<Degradation> worn{{{VertexKind::device, 0}, share}};
    CHECK_THROWS_AS(play(job, false, worn), ResultError);
  }
  // Hundreds of all-gathers, each of 7 steps of 2,000 s: more than the 106 days that the clock can hold.
  JobSpec late = job;
  late.cluster.link.latency = Seconds(2000.0);
  late.cluster.nccl.reset();
  CHECK_THROWS_AS(play(late, false), ResultError);
}

TEST_CASE("a job whose communications do not meet takes as long with flows as without") {
  for (const char* parallelism :
       {"{tp: 8, dp: 2}", "{tp: 4, dp: 4}", "{tp: 8, pp: 2}", "{tp: 2, pp: 2, dp: 4}"}) {
    INFO(parallelism);
    const JobSpec job = two_nodes(parallelism);
    const NetworkResult flows = play(job, false);
    CHECK(flows.is_folded);
    CHECK(step_of(flows) == Approx(planned_step(job)).epsilon(0.02));
  }
}

TEST_CASE("folded flows are those of every rank, to 1e-9") {
  test::JobDraw draw(3);
  int folded = 0;
  for (int i = 0; i < 40; ++i) {
    const JobSpec job = draw.next();
    INFO(test::words_for(job));
    const NetworkResult one = play(job, false);
    const NetworkResult every = play(job, true);
    CHECK_FALSE(every.is_folded);
    CHECK(step_of(one) == Approx(step_of(every)).epsilon(1e-9));
    folded += one.is_folded ? 1 : 0;
  }
  CHECK(folded >= 20);  // otherwise the property was hardly tested
}

TEST_CASE("all rates times k and all latencies through k: the step through k") {
  constexpr double kTimes = 4.0;
  test::JobDraw draw(11);
  for (int i = 0; i < 12; ++i) {
    JobSpec job = draw.next();
    INFO(test::words_for(job));
    job.cluster.link.latency = Seconds(2e-6);
    job.cluster.network.link.latency = Seconds(5e-6);
    JobSpec faster = job;
    ClusterSpec& cluster = faster.cluster;
    for (LinkSpec* link : {&cluster.link, &cluster.network.link}) {
      link->bandwidth = kTimes * link->bandwidth;
      link->latency = link->latency / kTimes;
    }
    cluster.accelerator.memory_bandwidth = kTimes * cluster.accelerator.memory_bandwidth;
    for (auto& rate : cluster.accelerator.gemm) {
      if (rate) rate->peak = kTimes * rate->peak;
    }
    const double step = step_of(play(job, false));
    CHECK(step_of(play(faster, false)) == Approx(step / kTimes).epsilon(1e-6));
  }
}

TEST_CASE("up-links that are short slow what crosses them, and only that") {
  // Eight nodes of eight devices on two leaves of a fat tree. Each of the eight data-parallel rings crosses
  // the spine twice: 8 · 50 GB/s of flows leave a leaf whose up-links carry 32 · 50 / 8 = 200 GB/s.
  const std::string cluster = "{name: dgx-h100, nodes: 8, network: {topology: fat-tree, oversubscription: ";
  const JobSpec wide = two_nodes("{tp: 8, dp: 8}", cluster + "1}}");
  const JobSpec narrow = two_nodes("{tp: 8, dp: 8}", cluster + "8}}");
  const NetworkResult open = play(wide, false);
  const NetworkResult crowded = play(narrow, false);
  CHECK(step_of(crowded) > 1.001 * step_of(open));
  // The cost model knows no routes and lets every message share the up-links: an eighth of the rate, not a
  // half.
  CHECK(step_of(crowded) < planned_step(narrow));
  double busiest_up_link = 0.0;
  for (const LinkLoad& load : crowded.links) {
    if (load.link.to.kind == VertexKind::spine_switch)
      busiest_up_link = std::max(busiest_up_link, load.share);
  }
  CHECK(busiest_up_link > 0.0);
}

TEST_CASE("two jobs whose nodes alternate share the ring between them") {
  // On a torus of nodes, a job's neighbours are two hops apart, over links that the other job uses, too.
  const JobSpec job = two_nodes("{tp: 8, dp: 4}", "{name: dgx-h100, nodes: 4, network: {topology: torus}}");
  const StepProgram program = build_step_program(job);
  ClusterSpec both = job.cluster;
  both.nodes = 8;
  const Fabric fabric(both);
  const std::vector<std::int64_t> nodes{4, 4};
  const auto play_together = [&](JobPlacement placement, bool beside) {
    const auto devices = place_jobs(nodes, 8, placement);
    std::vector<NetworkJob> jobs{{.job = job, .program = program, .devices = devices[0]}};
    if (beside) jobs.push_back({.job = job, .program = program, .devices = devices[1]});
    return play_on_network(jobs, fabric);
  };
  const NetworkResult alone = play_together(JobPlacement::interleaved, false);
  const NetworkResult shared = play_together(JobPlacement::interleaved, true);
  REQUIRE(shared.jobs.size() == 2);
  CHECK(shared.jobs[0].step_time > alone.jobs[0].step_time);
  // The second job is the same as the first, shifted by one node on the ring.
  CHECK(shared.jobs[1].step_time.seconds().value() ==
        Approx(shared.jobs[0].step_time.seconds().value()).epsilon(1e-6));
}

TEST_CASE("a NIC at a tenth of its rate slows the step, and only ranks played one by one show it") {
  const JobSpec job = two_nodes("{tp: 4, pp: 2, dp: 2}");
  const std::vector<Degradation> degraded{{{VertexKind::nic, 1}, 0.1}};
  const NetworkResult slow = play(job, false, degraded);
  CHECK_FALSE(slow.is_folded);
  CHECK(step_of(slow) > step_of(play(job, false)));
}

TEST_CASE("nodes are dealt out one job after the other, or in turn") {
  const std::vector<std::int64_t> nodes{2, 1};
  const auto packed = place_jobs(nodes, 2, JobPlacement::packed);
  CHECK(packed == std::vector<std::vector<Rank>>{{Rank(0), Rank(1), Rank(2), Rank(3)}, {Rank(4), Rank(5)}});
  const auto turns = place_jobs(nodes, 2, JobPlacement::interleaved);
  CHECK(turns == std::vector<std::vector<Rank>>{{Rank(0), Rank(1), Rank(4), Rank(5)}, {Rank(2), Rank(3)}});
}
