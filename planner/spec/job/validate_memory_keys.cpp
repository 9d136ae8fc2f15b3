#include <string>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

using Findings = std::vector<Illegality>;

void check_states(const TrainingSpec& training, Findings& findings) {
  const auto refuse = [&](const char* path, std::string message, std::string allowed) {
    findings.push_back({path, std::move(message), std::move(allowed)});
  };
  const OptimizerKind optimizer = training.optimizer;
  const MomentType moments = training.states.moments;
  const std::string_view name = word_of(optimizer);
  const auto moments_are_not = [&](std::string allowed) {
    refuse("training.states.moments", fmt::format("{} does not keep {} moments", name, word_of(moments)),
           "allowed here: " + std::move(allowed));
  };
  if (optimizer == OptimizerKind::adafactor && moments != MomentType::factored)
    moments_are_not("factored");
  else if (optimizer == OptimizerKind::adamw_8bit && moments != MomentType::int8)
    moments_are_not("int8");
  else if (optimizer != OptimizerKind::adafactor && moments == MomentType::factored)
    moments_are_not("fp32, bf16, fp16, fp8, int8; or optimizer: adafactor");
  else if (optimizer == OptimizerKind::muon && moments == MomentType::int8)
    moments_are_not("fp32, bf16");

  const MasterWeights master = training.states.master;
  const bool needs_bf16 = master == MasterWeights::fp32_remainder || master == MasterWeights::bf16_stochastic;
  const bool is_bf16 = training.precision != Precision::fp32 && training.precision != Precision::fp16;
  if (needs_bf16 && !is_bf16)
    refuse("training.states.master",
           fmt::format("{} is of bf16 weights, and precision {} has none", word_of(master),
                       word_of(training.precision)),
           "allowed here: fp32, none");
}

bool computes_weights_later(ScheduleKind schedule) {
  return schedule == ScheduleKind::zero_bubble || schedule == ScheduleKind::zero_bubble_2p ||
         schedule == ScheduleKind::zb_v || schedule == ScheduleKind::dualpipe_v;
}

/// Checks that stages update their weights on their own.
void check_post_validation(const JobSpec& job, Findings& findings) {
  constexpr const char* kPath = "training.optimizer_post_validation";
  const auto refuse = [&](const char* message) {
    findings.push_back({kPath, message, "allowed here: false"});
  };
  if (job.parallelism.pp < 2) refuse("one stage does not wait for the gradient norm of others");
  if (job.training.optimizer_in_backward) refuse("an update in backward does not wait for the gradient norm");
  if (job.training.uses_host()) refuse("with states in the host's memory it is not planned by this version");
}

/// Checks that every gradient is complete when its layer's backward pass ends.
void check_in_backward(const JobSpec& job, Findings& findings) {
  constexpr const char* kPath = "training.optimizer_in_backward";
  const ParallelismSpec& p = job.parallelism;
  const auto refuse = [&](std::string message, const char* allowed) {
    findings.push_back({kPath, std::move(message), allowed});
  };
  if (job.micro_batches() > 1)
    refuse(fmt::format("gradients are complete only after {} micro-batches", job.micro_batches()),
           "allowed here: false, or one micro-batch per step");
  if (p.zero < 2 && checked_product(p.dp, p.cp) > 1)
    refuse(fmt::format("with zero {} gradients are summed over replicas after backward", p.zero),
           "allowed here: false, or zero 2 or 3");
  if (p.tp > 1)
    refuse("with tensor parallelism it is not planned by this version", "allowed here: false, or tp 1");
  if (computes_weights_later(job.training.schedule))
    refuse(fmt::format("the {} schedule computes weight gradients after backward",
                       word_of(job.training.schedule)),
           "allowed here: false");
  if (job.model.mtp)
    refuse("with multi-token prediction it is not planned by this version", "allowed here: false");
  if (job.training.optimizer == OptimizerKind::muon)
    refuse("muon in backward is not planned by this version", "allowed here: false");
}

}  // namespace

void check_loss(const JobSpec& job, Findings& findings) {
  const std::int64_t chunks = job.training.loss.chunks;
  const std::int64_t tokens =
      checked_product(job.training.micro_batch, job.training.sequence_length) / job.parallelism.cp;
  if (job.training.loss.fused && job.training.loss.compiled)
    findings.push_back({"training.loss.compiled",
                        "a fused kernel and a compiled loss are two ways to do one thing",
                        "allowed here: false, or fused: false"});
  const LossSpec& loss = job.training.loss;
  if (loss.cut && (loss.fused || loss.compiled || chunks > 1 || !loss.sharded))
    findings.push_back({"training.loss.cut", "it is a way of its own to compute the loss",
                        "allowed here: false, or no other key of the loss"});
  if (loss.cut && job.model.mtp)
    findings.push_back({"training.loss.cut", "with multi-token prediction it is not planned by this version",
                        "allowed here: false"});
  if (chunks > 1 && job.model.mtp)
    findings.push_back({"training.loss.chunks",
                        "a loss in parts with multi-token prediction is not planned by this version",
                        "allowed here: 1"});
  if (chunks > 1 && tokens % chunks != 0)
    findings.push_back(
        {"training.loss.chunks",
         fmt::format("{} does not divide the {} tokens of a micro-batch on a rank", chunks, tokens),
         "allowed here: a divisor"});
}

void check_optimizer(const JobSpec& job, Findings& findings) {
  check_states(job.training, findings);
  if (job.training.optimizer_in_backward) check_in_backward(job, findings);
  if (job.training.optimizer_post_validation) check_post_validation(job, findings);
}

}  // namespace foreshard::detail
