// What the host needs to issue operations, and where it waits for the device.
#include "planner/cost/ops/host_model.hpp"

#include <algorithm>
#include <string>

#include "planner/cost/step/host_points.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

JobSpec job_of(Framework framework, bool compiled) {
  JobSpec job = round_job();
  job.framework = framework;
  job.training.compiled = compiled;
  job.cluster.accelerator.kernels.submit = Seconds(5e-6);
  return job;
}

Op product_of(Phase phase) {
  Op op;
  op.kind = Gemm{.m = 1, .n = 1, .k = 1};
  op.phase = phase;
  op.component = Component::ffn;
  return op;
}

Op all_reduce() {
  Op op;
  op.kind =
      Collective{.kind = CollectiveKind::all_reduce, .group = GroupKind::tp, .reduction = {}, .payload = {}};
  op.component = Component::ffn;
  op.lane = Lane::tp;
  return op;
}

double us(Seconds time) { return 1e6 * time.value(); }

/// The operations of a program after which the host waits, by name.
std::vector<std::string> stops_of(const JobSpec& job) {
  std::vector<std::string> names;
  for (const Block& block : build_step_program(job).blocks) {
    for (const Op& op : block.ops)
      if (op.host_awaits) names.push_back(op.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

JobSpec pipeline(Framework framework) {
  JobSpec job;
  job.framework = framework;
  job.model = llama_shaped(2, 8, 16, 4, 4, 32);
  job.cluster = round_cluster(1, 2);
  job.parallelism.pp = 2;
  job.training.sequence_length = 4;
  job.training.micro_batch = 1;
  job.training.global_batch = 2;
  return job;
}

}  // namespace

TEST_CASE("an eager operation costs the framework's time and its launches") {
  const HostModel torch(job_of(Framework::torch_fsdp, false));
  // 8.5 us and a launch of 5 us: PyTorch's Linear was measured at 13.48 us.
  CHECK(us(torch.time(product_of(Phase::forward), 1)) == Approx(13.5));
  // Three kernels, each an operation.
  CHECK(us(torch.time(product_of(Phase::forward), 3)) == Approx(3 * 13.5));
  CHECK(us(torch.time(all_reduce(), 0)) == Approx(20.0 + 5.0));
}

TEST_CASE("compiled code costs its launches, collectives stay calls") {
  const HostModel compiled(job_of(Framework::torch_fsdp, true));
  CHECK(us(compiled.time(product_of(Phase::forward), 3)) == Approx(15.0));
  CHECK(us(compiled.time(all_reduce(), 0)) == Approx(25.0));
}

TEST_CASE("a product of Transformer Engine is a module; its two gradients are one call") {
  JobSpec job = job_of(Framework::megatron, true);
  // 31 us and a launch: 36 us, 2.7 times PyTorch's Linear.
  CHECK(us(HostModel(job).time(product_of(Phase::forward), 1)) == Approx(36.0));
  CHECK(us(HostModel(job).time(product_of(Phase::backward_weight), 1)) == Approx(15.5 + 5.0));
  // Before its host time was cut: 115 us for a forward pass.
  job.release = Release{2024, 9};
  CHECK(us(HostModel(job).time(product_of(Phase::forward), 1)) == Approx(115.0));
}

TEST_CASE("a slower host takes longer for everything that it does") {
  JobSpec job = job_of(Framework::torch_fsdp, false);
  job.cluster.accelerator.kernels.submit = Seconds(10e-6);
  CHECK(us(HostModel(job).time(product_of(Phase::forward), 1)) == Approx(27.0));
  CHECK(us(HostModel(job).time(all_reduce(), 0)) == Approx(50.0));
}

TEST_CASE("kernels that one call of the framework launches take a launch each") {
  const HostModel host(job_of(Framework::megatron, true));
  const Op op = make_op(Pointwise{PointwiseKind::quantise, 32}, {});
  // 8.5 us and a launch of 5 us; eight calls are eight times as long, one call has seven launches more.
  CHECK(us(host.time(op, 1)) == Approx(13.5));
  CHECK(us(host.time(op, 8)) == Approx(8 * 13.5));
  CHECK(us(host.time(op, 8, 8)) == Approx(13.5 + 7 * 5.0));
}

TEST_CASE("where the device is the host, nothing is issued") {
  JobSpec job = job_of(Framework::megatron, true);
  job.cluster.accelerator.kernels.submit = Seconds(0.0);
  CHECK(HostModel(job).time(product_of(Phase::forward), 1) == Seconds(0.0));
  CHECK(HostModel(job).time(all_reduce(), 0) == Seconds(0.0));
  CHECK(HostModel(job).read_back() == Seconds(0.0));
}

TEST_CASE("a graph takes operations from the host and makes kernels follow each other faster") {
  JobSpec job = job_of(Framework::megatron, true);
  job.cluster.accelerator.kernels.graph_launch = Seconds(1e-6);  // 2 us without
  Op expert = product_of(Phase::forward);
  expert.component = Component::experts;
  Op update = product_of(Phase::optimizer);
  update.component = Component::optimizer;
  const Op product = product_of(Phase::forward);
  const auto captured = [&](Graphs graphs) {
    job.training.graphs = graphs;
    const HostModel host(job);
    return std::array{host.is_captured(product), host.is_captured(expert), host.is_captured(update)};
  };
  CHECK(captured(Graphs::none) == std::array{false, false, false});
  CHECK(captured(Graphs::layer) == std::array{true, false, false});
  CHECK(captured(Graphs::full) == std::array{true, true, false});

  job.training.graphs = Graphs::layer;
  const CostModel cost(job);
  CHECK(cost.host().time(product, 1) == Seconds(0.0));
  CHECK(cost.host().time(all_reduce(), 0) == Seconds(0.0));
  CHECK(us(cost.host().change_of_launch(product)) == Approx(-1.0));
  CHECK(cost.host().change_of_launch(expert) == Seconds(0.0));
  // gemm_fixed is 4 us: 3 us in the graph.
  Tensors tensors;
  CHECK(us(cost.kernel_time(product, tensors.program()).time) == Approx(3.0));
  // Two rows of captured operations around an expert are two graphs: an operation, 8.5 us, and a launch each.
  Block block;
  block.ops = {product, product, expert, product};
  std::vector<OpTime> times(4);
  add_graph_launches(block, cost.host(), times);
  CHECK(us(times[0].host) == Approx(13.5));
  CHECK(times[1].host == Seconds(0.0));
  CHECK(times[2].host == Seconds(0.0));
  CHECK(us(times[3].host) == Approx(13.5));
}

TEST_CASE("a host that waits for every kernel adds its time to each") {
  JobSpec job = job_of(Framework::torch_fsdp, false);
  job.training.launch = Launch::blocking;
  CHECK(us(HostModel(job).change_of_launch(product_of(Phase::forward))) == Approx(13.5));
}

TEST_CASE("host points: the first kernel, the last of each row, and every communication") {
  Block block;
  const Op kernel = product_of(Phase::forward);
  block.ops = {kernel, kernel, kernel, all_reduce(), kernel};
  const OpTime time{.time = Seconds(1e-6), .limit = Limit::compute, .kernels = 1, .host = Seconds(10e-6)};
  const std::vector<HostPoint> points = host_points(block, std::vector<OpTime>(5, time));
  const auto host = [&](std::size_t op) { return points[op].is_point ? us(points[op].host) : -1.0; };
  CHECK(host(0) == Approx(10.0));
  CHECK(host(1) == -1.0);
  CHECK(host(2) == Approx(20.0));
  CHECK(host(3) == Approx(10.0));
  CHECK(host(4) == Approx(10.0));

  // After an operation that stops the host, the next kernel is a point.
  block.ops = {kernel, kernel, kernel, kernel, kernel};
  block.ops[1].host_awaits = TensorId(0);
  const std::vector<HostPoint> stopped = host_points(block, std::vector<OpTime>(5, time));
  for (const std::size_t o : {0U, 1U, 2U, 4U}) CHECK(stopped[o].is_point);
  CHECK_FALSE(stopped[3].is_point);
  CHECK(us(stopped[4].host) == Approx(20.0));

  // Without host time there are none.
  for (const HostPoint& point : host_points(block, std::vector<OpTime>(5))) CHECK_FALSE(point.is_point);
}

TEST_CASE("what a framework's host waits for") {
  using Names = std::vector<std::string>;
  JobSpec job = pipeline(Framework::megatron);
  CHECK(stops_of(job) == Names{"all-reduce gradient norm", "loss", "receive backward", "receive forward"});
  job.training.overlap.pp = true;
  CHECK(stops_of(job) == Names{"all-reduce gradient norm", "loss"});
  job.training.overlap.pp = false;
  job.training.graphs = Graphs::full;
  CHECK(stops_of(job) == Names{"all-reduce gradient norm"});
  CHECK(stops_of(pipeline(Framework::torch_fsdp)).empty());
  CHECK(stops_of(pipeline(Framework::foreshard)).empty());
}

TEST_CASE("the host waits for token counts before the exchange that needs them on the host") {
  using Names = std::vector<std::string>;
  const auto stops = [](Dispatcher dispatcher, bool fused_products) {
    JobSpec job = pipeline(Framework::megatron);
    job.parallelism.pp = 1;
    job.parallelism.ep = job.parallelism.dp = 2;
    job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 16};
    job.training.dispatcher = dispatcher;
    job.training.fused_grouped_gemm = fused_products;
    return stops_of(job);
  };
  // Megatron-LM permutes the rows for an all-to-all before it reads the counts.
  CHECK(stops(Dispatcher::all_to_all, false) == Names{"all-reduce gradient norm", "dispatch", "loss"});
  // DeepEP and HybridEP allocate what arrives first.
  CHECK(stops(Dispatcher::deepep, false) == Names{"all-reduce gradient norm", "loss", "top-k"});
  CHECK(stops(Dispatcher::hybridep, false) == Names{"all-reduce gradient norm", "loss", "top-k"});
  // Products that take counts from the device let HybridEP do so too.
  CHECK(stops(Dispatcher::hybridep, true) == Names{"all-reduce gradient norm", "loss"});
}

TEST_CASE("a collective with a list of shards takes the host a view and a copy for each") {
  const HostModel host(job_of(Framework::megatron_deepspeed, true));
  // 300 us, and for each of 8 ranks two views of 2.6 us and a copy of 5 us: 0.38 ms were measured.
  CHECK(us(host.shard_list(CollectiveKind::all_gather, 8)) == Approx(300.0 + 8.0 * 10.2));
  CHECK(us(host.shard_list(CollectiveKind::reduce_scatter, 8)) == Approx(300.0 + 8.0 * 12.8));
  // nanotron: no hooks; a gather of 6 weights brings 8 shares of each, a scatter of 6 gradients is one buffer.
  const HostModel nanotron(job_of(Framework::nanotron, true));
  CHECK(us(nanotron.shard_list(CollectiveKind::all_gather, 8, 6)) == Approx(6.0 * 8.0 * 10.2));
  CHECK(us(nanotron.shard_list(CollectiveKind::reduce_scatter, 8, 6)) == Approx(8.0 * 12.8));
}
