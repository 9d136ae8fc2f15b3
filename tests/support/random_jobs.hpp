#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "planner/frameworks/framework.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/spec/job/validate_job.hpp"
#include "tests/support/test_jobs.hpp"

// Small jobs of every kind, drawn from a fixed seed. Properties of all jobs are tested on them.

namespace foreshard::test {

/// Draws jobs; the same seed gives the same jobs on every machine (no standard distribution, whose results
/// are not specified).
class JobDraw {
 public:
  explicit JobDraw(std::uint64_t seed) : engine_(seed) {}

  /// The next legal job.
  JobSpec next() {
    for (;;) {
      JobSpec job = draw();
      if (find_illegalities(job).empty()) return job;
    }
  }

  template <class T, std::size_t N>
  T pick(const std::array<T, N>& choices) {
    return choices[engine_() % N];
  }
  template <class T, class... Rest>
  T one_of(T first, Rest... rest) {
    return pick(std::array<T, sizeof...(Rest) + 1>{first, static_cast<T>(rest)...});
  }
  bool coin() { return engine_() % 2 == 0; }

 private:
  ModelSpec draw_model() {
    const std::int64_t heads = one_of<std::int64_t>(4, 8);
    const std::int64_t kv_heads = heads / one_of<std::int64_t>(1, 2, 4);
    const std::int64_t hidden = heads * one_of<std::int64_t>(8, 16);
    ModelSpec model =
        llama_shaped(one_of<std::int64_t>(2, 3, 4, 5, 8), hidden, one_of<std::int64_t>(64, 96, 160), heads,
                     kv_heads, one_of<std::int64_t>(97, 128, 250));
    model.vocab_multiple = one_of<std::int64_t>(1, 16);
    model.ffn =
        one_of(FfnKind::swiglu, FfnKind::geglu, FfnKind::glu, FfnKind::gelu, FfnKind::relu, FfnKind::sqrelu);
    model.norm = one_of(NormKind::rmsnorm, NormKind::layernorm);
    model.biases = one_of(Biases::none, Biases::qkv, Biases::all);
    model.positions = one_of(Positions::rope, Positions::learned, Positions::alibi, Positions::none);
    model.max_positions = coin() ? 0 : 64;
    model.tied_embeddings = coin();
    model.qk_norm = coin();
    model.norms_per_layer = one_of<std::int64_t>(1, 2, 4);
    model.causal = coin();
    return model;
  }

  ParallelismSpec draw_parallelism() {
    ParallelismSpec p;
    p.tp = one_of<std::int64_t>(1, 2, 4);
    p.pp = one_of<std::int64_t>(1, 2, 3);
    p.vp = p.pp > 1 && engine_() % 3 == 0 ? 2 : 1;
    p.dp = one_of<std::int64_t>(1, 2, 3);
    p.sequence_parallel = p.tp > 1 && coin();
    p.zero = one_of(0, 1, 2, 3);
    return p;
  }

  JobSpec draw() {
    JobSpec job;
    job.name = "drawn";
    job.model = draw_model();
    job.parallelism = draw_parallelism();
    const ParallelismSpec& p = job.parallelism;
    job.cluster = round_cluster(p.dp * p.pp, p.tp);
    job.framework = one_of(Framework::megatron, Framework::megatron_deepspeed, Framework::torch_fsdp,
                           Framework::deepspeed, Framework::nanotron, Framework::foreshard);
    TrainingSpec& t = job.training;
    t.sequence_length = one_of<std::int64_t>(8, 16, 24);
    t.micro_batch = one_of<std::int64_t>(1, 2, 3);
    t.global_batch = p.dp * t.micro_batch * one_of<std::int64_t>(1, 2, 3, 6);
    t.precision = one_of(Precision::fp32, Precision::bf16, Precision::fp16, Precision::fp8);
    t.attention = one_of(AttentionKind::flash, AttentionKind::unfused);
    t.compiled = coin();
    t.gradient_dtype = coin() ? DType::fp32 : DType::bf16;
    t.recompute = one_of(Recompute::none, Recompute::selective, Recompute::selective_ops, Recompute::full);
    t.schedule = p.vp > 1 ? one_of(ScheduleKind::interleaved, ScheduleKind::zb_v, ScheduleKind::dualpipe_v)
                          : one_of(ScheduleKind::gpipe, ScheduleKind::one_f_one_b, ScheduleKind::zero_bubble,
                                   ScheduleKind::zero_bubble_2p);
    t.optimizer_post_validation = p.pp > 1 && splits_backward(t.schedule) && coin();
    t.overlap = {.tp = one_of(TpOverlap::none, TpOverlap::wgrad, TpOverlap::full),
                 .dp = coin(),
                 .pp = coin(),
                 .cp = false,
                 .ep = EpOverlap::none};
    t.optimizer = one_of(OptimizerKind::adamw, OptimizerKind::adam, OptimizerKind::sgd);
    t.dropout = coin();
    return job;
  }

  std::mt19937_64 engine_;
};

/// Describes the job in the message of a failing test.
inline std::string words_for(const JobSpec& job) {
  const ModelSpec& m = job.model;
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  std::string text;
  const auto say = [&](const char* key, auto value) {
    text +=
        std::string(text.empty() ? "" : " ") + key + '=' + std::to_string(static_cast<std::int64_t>(value));
  };
  say("layers", m.layers), say("hidden", m.hidden), say("ffn_hidden", m.ffn_hidden), say("heads", m.heads);
  say("kv_heads", m.kv_heads), say("vocab", m.vocab), say("vocab_multiple", m.vocab_multiple);
  say("ffn", m.ffn), say("norm", m.norm), say("biases", m.biases), say("positions", m.positions);
  say("max_positions", m.max_positions), say("tied", m.tied_embeddings), say("qk_norm", m.qk_norm);
  say("norms_per_layer", m.norms_per_layer), say("causal", m.causal), say("tp", p.tp), say("pp", p.pp);
  say("vp", p.vp), say("dp", p.dp), say("sp", p.sequence_parallel), say("zero", p.zero);
  say("framework", job.framework), say("sequence", t.sequence_length), say("micro_batch", t.micro_batch);
  say("global_batch", t.global_batch), say("precision", t.precision), say("attention", t.attention);
  say("compiled", t.compiled), say("gradient_dtype", t.gradient_dtype), say("recompute", t.recompute);
  say("schedule", t.schedule), say("overlap_tp", t.overlap.tp), say("overlap_dp", t.overlap.dp);
  say("overlap_pp", t.overlap.pp), say("optimizer", t.optimizer), say("dropout", t.dropout);
  return text;
}

}  // namespace foreshard::test
