// Models whose layers differ: windows, chunks, sinks, heads and feed-forward networks by kind of layer.
#include <algorithm>

#include "planner/spec/types/layer_pattern.hpp"
#include "runtime/comm/loopback_communicator.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/runtime/verify/verify_job.hpp"

namespace foreshard::test {
namespace {

/// Every combination of degrees for this many devices, and those that cut sequences.
std::vector<Degrees> all_degrees(std::int64_t devices) {
  std::vector<Degrees> all = degrees_of(devices);
  if (devices % 2 != 0) return all;
  const std::int64_t rest = devices / 2;
  all.push_back({.dp = rest, .zero = rest > 1 ? 1 : 0, .cp = 2});
  if (rest > 1) {
    all.push_back({.tp = rest, .sequence_parallel = true, .cp = 2});
    all.push_back({.pp = rest, .cp = 2});
    all.push_back({.cp = devices});
  }
  return all;
}

/// Some of them: tensor and sequence parallelism, stages, replicas, and sequences that are cut.
std::vector<Degrees> some_degrees(std::int64_t devices) {
  switch (devices) {
    case 2: return {{.tp = 2, .sequence_parallel = true}, {.dp = 2, .zero = 1}, {.cp = 2}};
    case 4:
      return {{.tp = 2, .pp = 2, .sequence_parallel = true}, {.tp = 2, .sequence_parallel = true, .cp = 2}};
    default: return {{}};
  }
}

SoftmaxAttention usual_attention(const JobSpec& job) {
  return std::get<SoftmaxAttention>(usual_mixer(job.model));
}

/// Layers 0 and 2 are of the first kind, 1 and 3 of the second.
JobSpec with_kinds(JobSpec job, LayerKind first, LayerKind second) {
  first.name = "first";
  second.name = "second";
  job.model.layer_kinds = {std::move(first), std::move(second)};
  job.model.pattern = {0, 1};
  return job;
}

LayerKind windowed(const JobSpec& job, std::int64_t window, FeedForward ffn = FeedForward::dense) {
  SoftmaxAttention attention = usual_attention(job);
  attention.window = window;
  return {.name = {}, .mixer = attention, .ffn = ffn};
}

LayerKind full(const JobSpec& job, FeedForward ffn = FeedForward::dense) {
  return {.name = {}, .mixer = usual_attention(job), .ffn = ffn};
}

/// As in Gemma 3: windows and full attention alternate, norms before and after, norms of queries and keys.
JobSpec like_gemma() {
  JobSpec job = tiny_job(false);
  job.model.norms_per_layer = 4;
  job.model.qk_norm = true;
  return with_kinds(job, windowed(job, 3), full(job));
}

/// As in gpt-oss: windows and full attention alternate, sinks, experts in every layer, biases everywhere: of
/// projections, routers and experts.
JobSpec like_gpt_oss() {
  JobSpec job = tiny_job(false);
  job.model.attention_sinks = true;
  job.model.biases = Biases::all;
  job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 12, .imbalance = 2.0};
  return with_kinds(job, windowed(job, 3, FeedForward::experts), full(job, FeedForward::experts));
}

/// As in Llama 4: chunks with rotary positions, full attention without; dense layers beside experts.
JobSpec like_llama4() {
  JobSpec job = tiny_job(false);
  job.model.experts =
      ExpertsSpec{.count = 4, .per_token = 1, .hidden = 12, .shared_hidden = 12, .imbalance = 2.0};
  SoftmaxAttention chunked = usual_attention(job);
  chunked.options.chunk = 3;
  SoftmaxAttention everywhere = usual_attention(job);
  everywhere.rope = false;
  return with_kinds(job, {.name = {}, .mixer = chunked},
                    {.name = {}, .mixer = everywhere, .ffn = FeedForward::experts});
}

/// Kinds with heads and feed-forward networks of their own.
JobSpec with_own_sizes() {
  JobSpec job = tiny_job(false);
  SoftmaxAttention wide = usual_attention(job);
  wide.heads = 4;
  wide.kv_heads = 4;
  wide.head_dim = 6;
  wide.options.v_head_dim = 10;
  wide.options.rotary_dim = 4;
  wide.window = 5;
  return with_kinds(job, full(job), {.name = {}, .mixer = wide, .ffn_hidden = 16});
}

void check(const JobSpec& job, const Degrees& degrees) {
  if (job.model.experts && degrees.tp > 1 && !degrees.sequence_parallel) return;  // not legal
  JobSpec one = sharded(job, degrees);
  if (degrees.cp > 1) one.training.global_batch = 8;
  for (const CpStyle style : {CpStyle::ring, CpStyle::all_gather, CpStyle::ulysses}) {
    if (degrees.cp == 1 && style != CpStyle::ring) continue;
    if (style == CpStyle::all_gather && degrees.cp != degrees.devices()) continue;
    CAPTURE(static_cast<int>(style));
    one.parallelism.cp_style = style;
    check_equals_unsharded(one);
    check_counted_as_planned(one);
    check_fast_kernels(one);
  }
}

TEST_CASE("layers of several kinds compute what one device computes") {
  for (const Degrees& degrees : all_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    check(like_gemma(), degrees);
    check(like_gpt_oss(), degrees);
    check(like_llama4(), degrees);
    check(with_own_sizes(), degrees);
  }
}

TEST_CASE("windows and sinks under recomputation, ZeRO and expert parallelism") {
  const std::int64_t ranks = mpi_session().size();
  for (const Recompute recompute : {Recompute::selective, Recompute::selective_ops, Recompute::full}) {
    JobSpec job = like_gpt_oss();
    job.training.recompute = recompute;
    CAPTURE(static_cast<int>(recompute));
    check(job, {.dp = ranks});
  }
  if (ranks == 1) return;
  for (const int zero : {2, 3}) {
    CAPTURE(zero);
    check(like_gpt_oss(), {.dp = ranks, .zero = zero, .ep = 2});
  }
}

TEST_CASE("sinks of layers of one kind, without a causal mask, in latent attention with a window") {
  const std::int64_t ranks = mpi_session().size();
  JobSpec job = tiny_job(false);
  SECTION("sinks") { job.model.attention_sinks = true; }
  SECTION("windows around each token") {
    job.model.causal = false;
    job.model.window = 4;
  }
  SECTION("latent attention with a window") {
    job.model.mla =
        MlaSpec{.q_rank = 12, .kv_rank = 8, .nope_head_dim = 4, .rope_head_dim = 2, .v_head_dim = 4};
    job.model.window = 3;
  }
  check(job, {.tp = ranks, .sequence_parallel = ranks > 1});
  if (ranks > 1) check(job, {.cp = ranks});
}

TEST_CASE("attention and FFN in parallel, each after its own norm, as in GPT-NeoX") {
  for (const Degrees& degrees : some_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    JobSpec job = tiny_job(true);
    job.model.parallel_residual = true;
    check(job, degrees);
  }
}

TEST_CASE("norms over all queries and over all keys, as in OLMo") {
  for (const Degrees& degrees : all_degrees(mpi_session().size())) {
    if (degrees.tp > 1) continue;  // no rank has a whole row: not legal
    CAPTURE(degrees.name());
    JobSpec job = tiny_job(false);
    job.model.qk_norm = job.model.qk_norm_whole = true;
    check(job, degrees);
  }
}

TEST_CASE("gates on the output of attention: one for each element, and one for each head") {
  for (const OutputGate gate : {OutputGate::elementwise, OutputGate::headwise}) {
    for (const Degrees& degrees : some_degrees(mpi_session().size())) {
      CAPTURE(static_cast<int>(gate), degrees.name());
      JobSpec job = tiny_job(false);
      job.model.attention_options.gate = gate;
      check(job, degrees);
    }
  }
}

TEST_CASE("shared experts with a gate for each token, as in Qwen's") {
  for (const Degrees& degrees : some_degrees(mpi_session().size())) {
    CAPTURE(degrees.name());
    JobSpec job = tiny_job(false);
    job.model.experts = ExpertsSpec{.count = 4, .per_token = 2, .hidden = 12, .shared_hidden = 12};
    job.model.experts->imbalance = 2.0;
    job.model.experts->shared_gate = true;
    check(job, degrees);
  }
}

TEST_CASE(
    "a window as long as the sequence computes what no window does; a shorter one and a parallel FFN do "
    "not") {
  JobSpec job = tiny_job(false);
  job.training.sequence_length = 8;
  const auto loss_of = [](const JobSpec& one) {
    ReferenceDevice device;
    LoopbackCommunicator alone;
    return compare_with_unsharded(one, device, alone, 1).unsharded_loss;
  };
  const double plain = loss_of(job);
  job.model.parallel_residual = true;
  CHECK(loss_of(job) != plain);
  job.model.parallel_residual = false;
  job.model.window = 7;
  CHECK(loss_of(job) != plain);
  job.model.window = 8;
  CHECK(loss_of(job) == plain);
}

}  // namespace
}  // namespace foreshard::test
