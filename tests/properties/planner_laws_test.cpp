// Laws that every estimate obeys, on random legal jobs.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/estimate.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

constexpr int kJobs = 300;

/// The cluster of a drawn job with latencies, fixed costs and a half size, so that every term counts.
void make_rough(ClusterSpec& cluster) {
  cluster.link.latency = Seconds(3e-6);
  cluster.network.link.latency = Seconds(11e-6);
  KernelConstants& kernels = cluster.accelerator.kernels;
  kernels.gemm_fixed = Seconds(2e-6);
  kernels.launch = Seconds(4e-6);
  kernels.memory_half_size = Bytes(100'000);
  kernels.gemm_k_prologue = 16;
  kernels.spread = 0.1;
}

JobSpec rough(JobSpec job) {
  make_rough(job.cluster);
  return job;
}

/// Runs `check` on random jobs; what it complains about comes with the job.
template <class Check>
void for_random_jobs(std::uint64_t seed, Check check) {
  JobDraw draw(seed);
  for (int i = 0; i < kJobs; ++i) {
    const JobSpec job = rough(draw.next());
    INFO(words_for(job));
    check(job, draw);
  }
}

/// The same model and batch on one device, without padding of its own.
JobSpec unsharded(JobSpec job) {
  job.parallelism = ParallelismSpec{};
  job.training.schedule = ScheduleKind::one_f_one_b;
  job.cluster = round_cluster(1, 1);
  return rough(job);
}

std::array<double, 10> parts_of(const StepBreakdown& parts) {
  return {parts.compute.value(),         parts.tp_exposed.value(), parts.pp_exposed.value(),
          parts.dp_exposed.value(),      parts.cp_exposed.value(), parts.ep_exposed.value(),
          parts.offload_exposed.value(), parts.bubble.value(),     parts.optimizer.value(),
          parts.overhead.value()};
}

/// Bytes that a micro-batch's way through the layers of one stage keeps, summed over stages and chunks.
std::int64_t saved_activations(const StepProgram& program) {
  const std::vector<BlockMemory> memory = block_memory(program);
  std::int64_t saved = 0;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    if (program.blocks[b].kind == BlockKind::dense_layer && program.blocks[b].pass == Pass::forward)
      saved += memory[b].saved.value();
  }
  return saved;
}

/// Elements of all ranks' optimizer states or weights over the elements that one model has: counted by
/// walking the stages, as ranks hold them.
struct Held {
  Int128 weights = 0;
  Int128 replicated = 0;  // of them, what stands on every tensor-parallel rank, beyond the first copy
  Int128 padding = 0;
  Int128 tied = 0;  // the last stage's copy of a tied table
  Int128 tensors = 0;
};

Held held_by_tp_ranks(const JobSpec& job, const StepProgram& program) {
  Held held;
  const Int128 tp = job.parallelism.tp;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role != TensorRole::weight || tensor.lifetime != Lifetime::step) continue;
    if (tensor.derivation != Derivation::none) continue;  // copies in fewer bits, which cached weights have
    Tensor whole = tensor;
    for (Dim& dim : whole.dims) dim.dp = 1;
    const Int128 copies = tensor.per_layer ? job.model.layers : 1;
    held.weights += copies * tp * whole.local_elements();
    held.tensors += copies;
    if (whole.replicated_over_tp()) held.replicated += copies * (tp - 1) * whole.local_elements();
    held.padding += copies * tensor.padding;
    const bool twice = tensor.meaning.item == TensorItem::token_table && job.model.tied_embeddings &&
                       job.parallelism.pp > 1 &&
                       !runs_in_v(job.training.schedule);  // a V has both ends on one stage
    if (twice) held.tied += tp * whole.local_elements();
    if (twice) ++held.tensors;
  }
  return held;
}

}  // namespace

TEST_CASE("laws: shards add up to the model's parameters plus named parts") {
  for_random_jobs(1, [](const JobSpec& job, JobDraw&) {
    const StepProgram program = build_step_program(job);
    const Held held = held_by_tp_ranks(job, program);
    const Int128 model = estimate(unsharded(job)).parameters.total.value();
    CHECK(static_cast<std::int64_t>(held.weights - held.replicated - held.padding) ==
          static_cast<std::int64_t>(model));
    CHECK(estimate(job, program).parameters.total.value() == static_cast<std::int64_t>(model));

    // Weights without ZeRO-3, over the ranks of one replica, without copies in fp8: 4 bytes in fp32, else 2; the tied table twice.
    const Estimate found = estimate(job, program);
    if (job.parallelism.zero == 3 || job.training.precision == Precision::fp8) return;
    Int128 bytes = 0;
    for (const StageMemory& stage : found.memory.stages)
      bytes += static_cast<Int128>(stage.weights.value()) * job.parallelism.tp;
    const Int128 each = job.training.precision == Precision::fp32 ? 4 : 2;
    CHECK(static_cast<std::int64_t>(bytes) == static_cast<std::int64_t>(each * (held.weights + held.tied)));
  });
}

TEST_CASE(
    "laws: optimizer bytes of all ranks are three fp32 copies plus less than one element per rank and "
    "weight") {
  for_random_jobs(2, [](const JobSpec& job, JobDraw&) {
    if (job.training.optimizer == OptimizerKind::sgd) return;
    const StepProgram program = build_step_program(job);
    const Held held = held_by_tp_ranks(job, program);
    const ParallelismSpec& p = job.parallelism;
    Int128 bytes = 0;
    for (const StageMemory& stage : estimate(job, program).memory.stages)
      bytes += static_cast<Int128>(stage.optimizer.value()) * p.tp * (p.zero == 0 ? 1 : p.dp);
    const bool is_fsdp = job.framework == Framework::torch_fsdp && p.zero == 3 && p.dp > 1;
    const Int128 copies = job.training.precision == Precision::fp32 || is_fsdp ? 2 : 3;
    const Int128 exact = 4 * copies * (held.weights + held.tied);
    // Where the dp ranks do not divide a weight's elements, its first shares are up to one element larger.
    const Int128 slack = p.zero == 0 ? Int128{0} : 4 * copies * held.tensors * p.dp * p.tp;
    CHECK(bytes >= exact);
    CHECK(bytes <= exact + slack);
  });
}

TEST_CASE("laws: model FLOPs are the model's, hardware FLOPs at least that") {
  for_random_jobs(3, [](const JobSpec& job, JobDraw&) {
    const Estimate found = estimate(job);
    JobSpec alone = unsharded(job);
    alone.training.recompute = Recompute::none;
    const Estimate whole = estimate(alone);
    CHECK(found.step.model_flops == whole.step.model_flops);
    CHECK(found.step.model_flops_causal == whole.step.model_flops_causal);
    CHECK(found.flops_per_token.training == whole.flops_per_token.training);
    CHECK(found.step.hardware_flops >= found.step.model_flops);
  });
}

TEST_CASE("laws: without padding and repeated heads, all ranks' hardware FLOPs are the unsharded model's") {
  for_random_jobs(4, [](JobSpec job, JobDraw&) {
    job.model.vocab = 256;
    job.model.vocab_multiple = 1;
    job.model.kv_heads = job.model.heads;
    // What was scattered is kept and not computed again: one of the reasons for sequence parallelism.
    if (job.training.recompute == Recompute::selective_ops) job.parallelism.sequence_parallel = false;
    CHECK(estimate(job).step.hardware_flops == estimate(unsharded(job)).step.hardware_flops);
  });
}

TEST_CASE("laws: the parts of a step are not negative and sum to its time") {
  for_random_jobs(5, [](const JobSpec& job, JobDraw&) {
    const StepFigures step = estimate(job).step;
    double sum = 0.0;
    for (const double part : parts_of(step.breakdown)) {
      CHECK(part >= 0.0);
      sum += part;
    }
    CHECK(step.time.value() > 0.0);
    CHECK(std::abs(sum - step.time.value()) <= 1e-12 * step.time.value());
    CHECK(step.bubble_fraction == Approx(step.breakdown.bubble / step.time).margin(1e-15));
    CHECK(step.time_low <= step.time);
    CHECK(step.time_high >= step.time);
  });
}

TEST_CASE("laws: what limits the kernels of a part sums to the part") {
  for_random_jobs(174, [](const JobSpec& job, JobDraw&) {
    const StepFigures step = estimate(job).step;
    const ComputeDetail& detail = step.detail;
    const auto sum = [&](ComputePart part) {
      Seconds total;
      for (const Seconds time : detail.limited[static_cast<std::size_t>(part)]) total += time;
      return total.value();
    };
    CHECK(sum(ComputePart::gemms) == Approx(detail.gemms.value()).margin(1e-15));
    CHECK(sum(ComputePart::attention_core) == Approx(detail.attention_core.value()).margin(1e-15));
    CHECK(sum(ComputePart::memory_bound) == Approx(detail.memory_bound.value()).margin(1e-15));
    CHECK(sum(ComputePart::optimizer) <= step.breakdown.optimizer.value() * (1.0 + 1e-9));
  });
}

TEST_CASE("laws: idle devices cost money and no time") {
  JobDraw draw(31);
  JobSpec job = rough(draw.next());
  job.training.tokens = Tokens(1'000'000'000);
  job.cluster.price = DollarsPerSecond(0.001);
  job.training.failures = FailureSpec{.mtbf_per_device = 50'000.0 * kHour,
                                      .checkpoint_write = Seconds(60.0),
                                      .restart = Seconds(600.0),
                                      .checkpoint_interval = {},
                                      .repair = {}};
  const TrainingFigures full = estimate(job).training;
  // As many idle as in use: twice the money.
  job.cluster.idle_per_node = job.cluster.devices_per_node;
  const TrainingFigures half = estimate(job).training;
  CHECK(half.time == full.time);
  CHECK(half.cost->value() == Approx(2.0 * full.cost->value()));
  CHECK(*half.device_hours == Approx(2.0 * *full.device_hours));
  CHECK(half.failures->time == full.failures->time);
  CHECK(half.failures->cost->value() == Approx(2.0 * full.failures->cost->value()));
}

TEST_CASE("laws: a faster part never makes the step slower") {
  for_random_jobs(6, [](const JobSpec& job, JobDraw&) {
    const double before = estimate(job).step.time.value();
    const auto never_slower = [&](const char* what, auto change) {
      JobSpec faster = job;
      change(faster.cluster);
      INFO(what);
      CHECK(estimate(faster).step.time.value() <= before * (1.0 + 1e-12));
    };
    never_slower("link", [](ClusterSpec& c) { c.link.bandwidth = 3.0 * c.link.bandwidth; });
    never_slower("network",
                 [](ClusterSpec& c) { c.network.link.bandwidth = 3.0 * c.network.link.bandwidth; });
    never_slower("link latency", [](ClusterSpec& c) { c.link.latency = 0.3 * c.link.latency; });
    never_slower("network latency",
                 [](ClusterSpec& c) { c.network.link.latency = 0.3 * c.network.link.latency; });
    never_slower("memory", [](ClusterSpec& c) {
      c.accelerator.memory_bandwidth = 3.0 * c.accelerator.memory_bandwidth;
    });
    never_slower("FLOP/s", [](ClusterSpec& c) {
      for (auto& rate : c.accelerator.gemm) {
        if (rate) rate->peak = 3.0 * rate->peak;
      }
    });
    never_slower("launch", [](ClusterSpec& c) { c.accelerator.kernels.launch = Seconds(1e-6); });
  });
}

TEST_CASE("laws: more overlap never makes the step slower") {
  for_random_jobs(7, [](JobSpec job, JobDraw&) {
    job.training.overlap = {};
    double before = estimate(job).step.time.value();
    const auto never_slower = [&](const char* what, double tolerance = 1e-12) {
      INFO(what);
      const double now = estimate(job).step.time.value();
      CHECK(now <= before * (1.0 + tolerance));
      before = now;
    };
    job.training.overlap.tp = TpOverlap::wgrad;
    never_slower("tp wgrad");
    job.training.overlap.tp = TpOverlap::full;
    never_slower("tp full");
    job.training.overlap.dp = true;
    // Gradients are synchronised layer by layer then, in more collectives, of which each has its latency: steps as
    // short as these may lose by it, in the simulation by as much.
    never_slower("dp", 0.05);
    job.training.overlap.pp = true;
    never_slower("pp");
  });
}

TEST_CASE("laws: memory grows with micro-batch and sequence") {
  for_random_jobs(8, [](const JobSpec& job, JobDraw&) {
    const Bytes before = estimate(job).memory.peak;
    JobSpec longer = job;
    longer.training.sequence_length *= 2;
    longer.model.max_positions = std::max(longer.model.max_positions, longer.training.sequence_length);
    CHECK(estimate(longer).memory.peak >= before);
    JobSpec wider = job;  // as many micro-batches of twice the size
    wider.training.micro_batch *= 2;
    wider.training.global_batch *= 2;
    CHECK(estimate(wider).memory.peak >= before);
  });
}

TEST_CASE("laws: a higher ZeRO stage holds no more state") {
  for_random_jobs(9, [](JobSpec job, JobDraw&) {
    job.framework = Framework::foreshard;
    // Which runs with all of its stages.
    if (splits_backward(job.training.schedule)) {
      job.training.schedule = ScheduleKind::one_f_one_b;
      job.training.optimizer_post_validation = false;
      job.parallelism.vp = 1;
    }
    std::int64_t last = 0;
    for (const int zero : {0, 1, 2, 3}) {
      job.parallelism.zero = zero;
      std::int64_t state = 0;
      for (const StageMemory& stage : estimate(job).memory.stages)
        state += (stage.weights + stage.gradients + stage.optimizer).value();
      if (zero > 0) CHECK(state <= last);
      last = state;
    }
  });
}

TEST_CASE("laws: recomputation saves no more and runs no less") {
  for_random_jobs(10, [](JobSpec job, JobDraw&) {
    job.training.recompute = Recompute::none;
    const std::int64_t saved = saved_activations(build_step_program(job));
    const FlopsTotal hardware = estimate(job).step.hardware_flops;
    for (const Recompute recompute : {Recompute::selective, Recompute::selective_ops, Recompute::full}) {
      job.training.recompute = recompute;
      INFO("recompute " << static_cast<int>(recompute));
      CHECK(saved_activations(build_step_program(job)) <= saved);
      CHECK(estimate(job).step.hardware_flops >= hardware);
    }
  });
}

TEST_CASE("laws: the same job gives the same estimate") {
  for_random_jobs(11, [](const JobSpec& job, JobDraw&) {
    const Estimate one = estimate(job);
    const Estimate two = estimate(job);
    CHECK(parts_of(one.step.breakdown) == parts_of(two.step.breakdown));
    CHECK(one.step.time == two.step.time);
    CHECK(one.memory.peak == two.memory.peak);
    CHECK(one.notes == two.notes);
  });
}

TEST_CASE("laws: the layers of all stages are the model's") {
  for_random_jobs(12, [](const JobSpec& job, JobDraw&) {
    std::int64_t layers = 0;
    for (const auto& chunks : estimate(job).stage_layers) {
      for (const std::int64_t count : chunks) layers += count;
    }
    CHECK(layers == job.model.layers);
  });
}

namespace {

/// A pipeline whose layers dwarf all else: a vocabulary of one row, links without cost, and an update that
/// takes no memory time to speak of. What is left of embedding and head is measured and allowed for.
JobSpec equal_stages(std::int64_t p, std::int64_t v, std::int64_t m) {
  JobSpec job;
  job.model = llama_shaped(p * v * 2, 512, 1024, 8, 8, 1);
  job.model.vocab_multiple = 1;
  job.parallelism.pp = p;
  job.parallelism.vp = v;
  job.cluster = round_cluster(p, 1);
  job.cluster.network.link.bandwidth = BytesPerSecond(1e30);
  job.cluster.accelerator.memory_bandwidth = BytesPerSecond(1e30);
  job.training.sequence_length = 256;
  job.training.micro_batch = 1;
  job.training.global_batch = m;
  job.training.schedule = v > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b;
  job.training.overlap.pp = true;
  return job;
}

}  // namespace

TEST_CASE("laws: equal stages idle for the schedule's share") {
  // Memory and links take no time, so that a layer costs its products alone, and the head 2·512 of the
  // 2·(4·512² + 3·512·1024) + 4·256·512 FLOPs per token that each layer takes: 1/6000 of a stage at most.
  for (const std::int64_t p : {2, 4, 8}) {
    for (const std::int64_t v : {1, 2}) {
      for (const std::int64_t m : {p, 4 * p}) {
        INFO("p " << p << " v " << v << " m " << m);
        const auto waits = static_cast<double>(p - 1) / static_cast<double>(v);
        const double expected = waits / (static_cast<double>(m) + waits);
        CHECK(estimate(equal_stages(p, v, m)).step.bubble_fraction == Approx(expected).margin(3e-4));
      }
    }
  }
}

TEST_CASE("laws: one stage has no bubble") {
  for_random_jobs(13, [](const JobSpec& job, JobDraw&) {
    if (job.parallelism.pp == 1) CHECK(estimate(job).step.bubble_fraction == 0.0);
  });
}

TEST_CASE("laws: the step takes at least as long as any stage's compute, and as any of its links") {
  for_random_jobs(14, [](JobSpec job, JobDraw& draw) {
    // Links so slow that now one of them, now another sets the pace.
    job.cluster.network.link.bandwidth = BytesPerSecond(draw.one_of(1e10, 1e9, 1e8, 1e7));
    job.cluster.link.bandwidth = BytesPerSecond(draw.one_of(1e11, 1e10, 1e9, 1e8));
    const StepProgram program = build_step_program(job);
    const OpTimes times = price_operations(program, CostModel(job));
    const double step = estimate(job, program).step.time.value();
    for (std::size_t s = 0; s < program.stages.size(); ++s) {
      const std::vector<std::int64_t> counts = count_block_calls(program, StageId(s));
      std::array<double, kLaneCount> busy{};
      for (std::size_t b = 0; b < counts.size(); ++b) {
        for (std::size_t o = 0; o < program.blocks[b].ops.size(); ++o) {
          const Op& op = program.blocks[b].ops[o];
          busy[static_cast<std::size_t>(op.lane)] +=
              static_cast<double>(counts[b]) * times[b][o].time.value();
        }
      }
      for (const Lane lane : {Lane::compute, Lane::tp, Lane::dp, Lane::tied}) {
        INFO(to_string(lane) << " of stage " << s);
        CHECK(step >= busy[static_cast<std::size_t>(lane)] * (1.0 - 1e-12));
      }
    }
  });
}
