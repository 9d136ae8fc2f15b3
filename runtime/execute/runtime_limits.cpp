#include "runtime/execute/runtime_limits.hpp"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/program/emit.hpp"
#include "runtime/execute/zero_shares.hpp"

namespace foreshard {
namespace {

class Limits {
 public:
  explicit Limits(const JobSpec& job) : job_(job) {}

  std::vector<std::string> run() && {
    check_model();
    check_parallelism();
    check_training();
    if (!job_.cluster.accelerator.is_cpu) check_gpu();
    if (lacks_.empty() && !job_.cluster.accelerator.is_cpu && job_.parallelism.zero == 1) check_shares();
    return std::move(lacks_);
  }

 private:
  void refuse(bool lacks, std::string_view what) {
    if (lacks) lacks_.emplace_back(what);
  }

  void check_model() {
    const ModelSpec& model = job_.model;
    if (model.experts) check_experts(*model.experts);
    refuse(model.qk_norm_whole,
           "model.qk_norm_whole: norms over all heads at once are planned, not executed; say false");
    refuse(model.attention_sinks, "model.attention_sinks: attention sinks are planned, not executed");
    refuse(model.positions == Positions::alibi,
           "model.positions: alibi is not executed; say rope or learned");
    const bool windowed = model.window && *model.window < job_.training.sequence_length;
    refuse(windowed, "model.window: attention windows shorter than the sequence are planned, not executed");
  }

  void check_experts(const ExpertsSpec& experts) {
    refuse(experts.score_bias,
           "model.experts.score_bias: biases of the router's choice are planned, not executed; say false");
    refuse(job_.model.biases == Biases::all,
           "model.biases: experts with biases are planned, not executed; say none or attention");
  }

  void check_parallelism() {
    const ParallelismSpec& p = job_.parallelism;
    check_context(p);
    refuse(p.zero == 3 && job_.training.overlap.dp && job_.cluster.accelerator.is_cpu,
           "training.overlap.dp: gathers of weights that run ahead are planned, not executed; say false");
    refuse(p.tp > job_.model.kv_heads,
           fmt::format("parallelism.tp: {} ranks would share {} kv heads, which is planned, not executed",
                       p.tp, job_.model.kv_heads));
    const std::int64_t tokens = job_.training.micro_batch * job_.training.sequence_length / p.cp;
    refuse(p.sequence_parallel && p.tp > 1 && tokens % p.tp != 0,
           fmt::format("parallelism.sequence_parallel: {} tokens of a micro-batch do not divide by tp {}",
                       tokens, p.tp));
  }

  void check_context(const ParallelismSpec& p) {
    const std::int64_t sequence = job_.training.sequence_length;
    refuse(p.cp > 1 && sequence % (2 * p.cp) != 0,
           fmt::format("parallelism.cp: each of {} ranks executes two stretches of a sequence, and its {} "
                       "tokens do not cut into {}",
                       p.cp, sequence, 2 * p.cp));
  }

  /// What runs on processors and not on GPUs.
  void check_gpu() {
    refuse(job_.model.qk_norm, "model.qk_norm: norms of queries and keys are executed on CPUs, not on GPUs");
    refuse(job_.model.experts.has_value(),
           "model.experts: mixtures of experts are executed on CPUs, not on GPUs");
    refuse(job_.model.mla.has_value(), "model.attention: latent attention is executed on CPUs, not on GPUs");
    refuse(job_.parallelism.cp > 1,
           "parallelism.cp: context parallelism is executed on CPUs, not on GPUs; say 1");
    refuse(job_.model.tied_embeddings && job_.parallelism.pp > 1,
           "model.tied_embeddings: a table on two stages is executed on CPUs, not on GPUs; say pp 1 or untie "
           "it");
    refuse(job_.parallelism.vp > 1,
           "parallelism.vp: interleaved stages are executed on CPUs, not on GPUs; say 1");
    refuse(
        job_.parallelism.zero > 1,
        "parallelism.zero: gradients and weights that are cut are executed on CPUs, not on GPUs; say 0 or 1");
    refuse(job_.training.schedule == ScheduleKind::zero_bubble,
           "training.schedule: zero-bubble is executed on CPUs, not on GPUs; say gpipe or 1f1b");
  }

  void check_training() {
    const TrainingSpec& training = job_.training;
    refuse(job_.framework != Framework::foreshard,
           "framework: say foreshard; the conventions of others are planned, not executed");
    refuse(training.precision != Precision::fp32 && training.precision != Precision::bf16,
           "training.precision: say bf16 or fp32; fp16 and fp8 are planned, not executed");
    refuse(training.attention != AttentionKind::flash,
           "training.attention: say flash; unfused is planned only");
    refuse(training.dropout, "training.dropout: dropout is planned, not executed; say false");
    refuse(!training.compiled && is_gated(job_.model.ffn),
           "training.compiled: gated activations are executed as one kernel; say true");
    refuse(job_.lora.has_value(), "lora: low-rank adapters are planned, not executed");
  }

  /// On GPUs shares of a weight are equal.
  void check_shares() {
    for (const Tensor& tensor : build_step_program(job_).tensors) {
      const std::int64_t shares = tensor.role == TensorRole::weight ? replicas_of(job_, tensor) : 1;
      const bool uneven = tensor.role == TensorRole::weight && tensor.local_elements() % shares != 0;
      refuse(uneven,
             fmt::format(
                 "parallelism.zero: the {} elements of {} do not divide by its {} replicas, which only CPUs "
                 "execute; say 0",
                 tensor.local_elements(), tensor.name, shares));
    }
  }

  const JobSpec& job_;
  std::vector<std::string> lacks_;
};

}  // namespace

std::vector<std::string> what_the_runtime_lacks(const JobSpec& job) { return Limits(job).run(); }

}  // namespace foreshard
