#include "planner/spec/job/validate_parts.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "planner/spec/job/read_training.hpp"
#include "planner/spec/types/layer_pattern.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

constexpr const char* kOnlyOne = "allowed here: 1";

/// The kinds of layers that a job's model has.
std::vector<LayerKind> kinds_of(const JobSpec& job) {
  return layer_pattern(job.model, job.training.sequence_length).kinds;
}

template <class M>
bool has_mixers(const std::vector<LayerKind>& kinds) {
  return std::any_of(kinds.begin(), kinds.end(),
                     [](const LayerKind& kind) { return std::holds_alternative<M>(kind.mixer); });
}

void require_division(std::vector<Illegality>& findings, const char* path, std::int64_t degree,
                      std::int64_t size, const char* what) {
  if (size % degree != 0)
    findings.push_back({path, fmt::format("{} does not divide the model's {} {}", degree, size, what), ""});
}

/// Checks that the imbalance is possible. The busiest of ep ranks has at most the rows of all tokens, and at
/// most as many as its experts can get: each token goes to per_token different experts.
void check_imbalance(const JobSpec& job, const ExpertsSpec& experts, std::vector<Illegality>& findings) {
  constexpr const char* kPath = "model.experts.imbalance";
  if (!(experts.imbalance >= 1.0)) {
    findings.push_back({kPath,
                        fmt::format("{}: the busiest rank cannot have less than the mean", experts.imbalance),
                        "allowed here: 1 and more"});
    return;
  }
  if (job.parallelism.ep < 2 || experts.per_token < 1) return;
  const double most = std::min(static_cast<double>(job.parallelism.ep),
                               static_cast<double>(experts.count) / static_cast<double>(experts.per_token));
  const double imbalance = largest_imbalance(job.model, job.parallelism.ep);
  if (imbalance > most)
    findings.push_back(
        {kPath,
         fmt::format(
             "{}: with ep {}, {} experts and {} of them per token, the busiest rank has at most {:.4g} "
             "times the mean",
             imbalance, job.parallelism.ep, experts.count, experts.per_token, most),
         fmt::format("allowed here: 1 to {:.4g}", most)});
}

/// "allowed here: 1, 2, 4": the divisors of `whole` that divide `size` too.
std::string common_divisors(std::int64_t whole, std::int64_t size) {
  std::vector<std::int64_t> allowed;
  for (std::int64_t degree = 1; degree <= std::min(whole, size); ++degree)
    if (whole % degree == 0 && size % degree == 0) allowed.push_back(degree);
  return fmt::format("allowed here: {}", fmt::join(allowed, ", "));
}

/// Checks that the mesh of the routed experts has as many devices as the stage: tp · cp · dp = etp · ep · edp.
void check_expert_mesh(const JobSpec& job, const ExpertsSpec& experts, std::vector<Illegality>& findings) {
  const ParallelismSpec& p = job.parallelism;
  const std::int64_t devices = p.stage_devices();
  const std::int64_t replicas = checked_product(p.dp, p.cp);
  if (devices % p.ep != 0) {
    findings.push_back({"parallelism.ep", fmt::format("{} does not divide tp × cp × dp = {}", p.ep, devices),
                        common_divisors(devices, experts.count)});
  } else if (p.etp && devices / p.ep % *p.etp != 0) {
    findings.push_back(
        {"parallelism.etp",
         fmt::format("etp {} × ep {} does not divide tp × cp × dp = {}", *p.etp, p.ep, devices),
         common_divisors(devices / p.ep, experts.hidden)});
  } else if (!p.etp && cuts_experts_over_tp(job.framework) && replicas % p.ep != 0) {
    findings.push_back(
        {"parallelism.ep",
         fmt::format("{} cuts experts over tp {} unless etp is said, and {} does not divide dp × cp = {}",
                     word_of(job.framework), p.tp, p.ep, replicas),
         common_divisors(replicas, experts.count) + "; or say parallelism.etp: 1"});
  }
}

/// Checks that the dispatcher can run on the experts' mesh.
void check_dispatcher(const JobSpec& job, std::vector<Illegality>& findings) {
  constexpr const char* kPath = "training.dispatcher";
  const ParallelismSpec& p = job.parallelism;
  const Dispatcher dispatcher = job.training.dispatcher;
  if (dispatcher == Dispatcher::loop && p.ep > 1) {
    findings.push_back({kPath, fmt::format("a loop over experts exchanges no tokens, and ep is {}", p.ep),
                        "allowed here: all-to-all, all-gather, deepep, hybridep"});
  } else if (dispatcher != Dispatcher::loop && dispatcher != Dispatcher::all_to_all && p.ep > 1 &&
             p.expert_tp() > 1) {
    findings.push_back({kPath,
                        fmt::format("{} with experts cut over etp {} is not planned by this version",
                                    word_of(dispatcher), p.expert_tp()),
                        "allowed here: all-to-all, or parallelism.etp 1"});
  }
}

/// Checks that a flash attention version named by the job has been measured on the accelerator. A version
/// that only the framework implies may be unknown: it is replaced by the accelerator's usual one, with a
/// note.
void check_flash(const JobSpec& job, std::vector<Illegality>& findings) {
  const TrainingSpec& training = job.training;
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  if (training.attention != AttentionKind::flash || !training.flash) return;
  if (has_flash(accelerator, *training.flash) || training.flash == usual_flash(job)) return;
  std::string known;
  for (const Named<FlashVersion>& named : kWords<FlashVersion>)
    if (has_flash(accelerator, named.value))
      known += fmt::format("{}{}", known.empty() ? "" : ", ", named.word);
  findings.push_back({"training.flash",
                      fmt::format("{} has no {} attention: its file gives no rate for it", accelerator.name,
                                  word_of(*training.flash)),
                      known.empty() ? "" : "allowed here: " + known});
}

}  // namespace

void check_turns(const JobSpec& job, std::vector<Illegality>& findings) {
  if (!job.model.experts) return;
  const TrainingSpec& training = job.training;
  const ParallelismSpec& p = job.parallelism;
  constexpr const char* kPath = "training.overlap.ep";
  const bool in_turns = training.overlap.ep == EpOverlap::in_turns;
  if (training.delay_wgrad && !in_turns)
    findings.push_back({"training.delay_wgrad", "weight gradients are delayed with overlap.ep 1f1b only",
                        "allowed here: false"});
  const bool by_exchange = training.dispatcher == Dispatcher::hybridep;
  if (training.fused_permutation && !by_exchange && job.conventions().routing == RoutingKernels::fused)
    findings.push_back({"training.fused_permutation",
                        fmt::format("the kernels of {} are fused in any case", word_of(job.framework)),
                        "allowed here: false"});
  if (training.fused_permutation && by_exchange && p.ep == 1)
    findings.push_back({"training.fused_permutation", "there is no exchange that permutes rows: ep is 1",
                        "allowed here: false"});
  if (!in_turns) return;
  const auto refuse = [&](std::string message, const char* allowed) {
    findings.push_back({kPath, std::move(message), allowed});
  };
  if (p.ep == 1) refuse("1f1b overlaps the exchanges of experts, and ep is 1", "allowed here: none");
  const ScheduleKind wanted = p.pp > 1 ? ScheduleKind::interleaved : ScheduleKind::one_f_one_b;
  if (training.schedule != wanted)
    refuse(fmt::format("1f1b with pp {} needs the schedule {}, and it is {}", p.pp, word_of(wanted),
                       word_of(training.schedule)),
           "allowed here: none, shared, true, false");
  if (p.zero == 3)
    refuse("1f1b with zero 3 is not planned by this version", "allowed here: none, shared, true, false");
  if (training.recompute == Recompute::full)
    refuse("1f1b takes layers apart, and recompute full reruns them whole",
           "allowed here: none, shared, true, false; or recompute a list of modules");
}

void check_experts(const JobSpec& job, std::vector<Illegality>& findings) {
  const ParallelismSpec& p = job.parallelism;
  if (!job.model.experts) {
    if (p.ep > 1)
      findings.push_back({"parallelism.ep", fmt::format("{} needs a model with experts", p.ep), kOnlyOne});
    if (p.etp)
      findings.push_back({"parallelism.etp", fmt::format("{} needs a model with experts", *p.etp),
                          "allowed here: leave it out"});
    return;
  }
  const ExpertsSpec& experts = *job.model.experts;
  const auto refuse = [&](const char* path, std::string message, std::string allowed) {
    findings.push_back({path, std::move(message), std::move(allowed)});
  };
  if (experts.count < 1 || experts.hidden < 1)
    return refuse("model.experts", "count and hidden must be at least 1", "");
  if (experts.per_token < 1 || experts.per_token > experts.count)
    refuse("model.experts.per_token",
           fmt::format("a token cannot go to {} of {} experts", experts.per_token, experts.count),
           fmt::format("allowed here: 1 to {}", experts.count));
  if (experts.dense_layers < 0 || experts.dense_layers > job.model.layers)
    refuse("model.experts.dense_layers",
           fmt::format("{} of {} layers", experts.dense_layers, job.model.layers),
           fmt::format("allowed here: 0 to {}", job.model.layers));
  check_imbalance(job, experts, findings);
  check_dispatcher(job, findings);
  check_expert_mesh(job, experts, findings);
  require_division(findings, "parallelism.ep", p.ep, experts.count, "experts");
  require_division(findings, p.etp ? "parallelism.etp" : "parallelism.tp", p.expert_tp(), experts.hidden,
                   "elements of an expert's hidden size");
  if (p.tp == 1) return;
  // Each tp rank routes its own tokens, which it has only with sequence parallelism.
  if (!p.sequence_parallel)
    refuse("parallelism.sequence_parallel", fmt::format("experts on tp {} need sequence parallelism", p.tp),
           "allowed here: true, or tp 1");
  require_division(findings, "parallelism.tp", p.tp, experts.shared_hidden,
                   "elements of the shared experts' hidden size");
}

namespace {

/// Checks that Ulysses can give each rank whole heads.
void check_ulysses_heads(const ParallelismSpec& p, const std::vector<LayerKind>& kinds,
                         std::vector<Illegality>& findings) {
  const std::int64_t parts = checked_product(p.tp, p.cp);
  std::set<std::pair<std::string_view, std::int64_t>> objections;  // each once, for all kinds that share it
  for (const LayerKind& kind : kinds) {
    const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer);
    if (attention == nullptr) continue;
    for (const auto& [what, heads] :
         {std::pair{"heads", attention->heads}, std::pair{"kv heads", attention->kv_heads}}) {
      if (heads % parts == 0 || !objections.emplace(what, heads).second) continue;
      findings.push_back(
          {"parallelism.cp",
           fmt::format("ulysses gives each of tp {} × cp {} ranks whole heads, and the model has {} {}", p.tp,
                       p.cp, heads, what),
           "allowed here: another degree, or cp_style ring or all-gather"});
    }
  }
}

}  // namespace

void check_context_parallel(const JobSpec& job, std::vector<Illegality>& findings) {
  const ParallelismSpec& p = job.parallelism;
  if (p.cp == 1) return;
  if (job.training.attention != AttentionKind::flash)
    findings.push_back(
        {"training.attention", fmt::format("cp {} needs flash attention", p.cp), "allowed here: flash"});
  if (job.training.sequence_length % p.cp != 0)
    findings.push_back(
        {"parallelism.cp",
         fmt::format("{} does not divide sequences of {} tokens", p.cp, job.training.sequence_length), ""});
  if (p.cp_style != CpStyle::ulysses) return;
  const std::vector<LayerKind> kinds = kinds_of(job);
  if (has_mixers<LatentAttention>(kinds)) {
    findings.push_back({"parallelism.cp_style",
                        "ulysses with latent attention is not planned by this version",
                        "allowed here: ring, all-gather"});
    return;
  }
  check_ulysses_heads(p, kinds, findings);
}

void check_attention(const JobSpec& job, std::vector<Illegality>& findings) {
  check_flash(job, findings);
  if (job.training.documents && job.training.documents->packed &&
      job.training.attention != AttentionKind::flash)
    findings.push_back({"training.documents",
                        "packed documents are planned with flash attention only by this version",
                        "allowed here: attention: flash, or packed: false"});
  const ModelSpec& model = job.model;
  const std::vector<LayerKind> kinds = kinds_of(job);
  const auto any_softmax = [&](bool SoftmaxAttention::*flag) {
    return std::any_of(kinds.begin(), kinds.end(), [&](const LayerKind& kind) {
      const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer);
      return attention != nullptr && attention->*flag;
    });
  };
  const bool is_latent = has_mixers<LatentAttention>(kinds);
  const bool all_latent = is_latent && !has_mixers<SoftmaxAttention>(kinds);
  if (is_latent && job.training.attention != AttentionKind::flash)
    findings.push_back({"training.attention",
                        "latent attention is planned with flash attention only by this version",
                        "allowed here: flash"});
  if (is_latent && model.biases != Biases::none)
    findings.push_back({"model.biases", "latent attention has no biases", "allowed here: none"});
  if (all_latent && (model.qk_norm || model.attention_sinks))
    findings.push_back({"model.attention", "latent attention has norms of its own and no sinks", ""});
  if (any_softmax(&SoftmaxAttention::qk_norm) && model.qk_norm_whole && job.parallelism.tp > 1)
    findings.push_back({"parallelism.tp",
                        "norms over the whole query and key projection are not cut over tp by this version",
                        kOnlyOne});
  if (any_softmax(&SoftmaxAttention::sinks) && job.training.attention != AttentionKind::flash)
    findings.push_back({"training.attention",
                        "attention sinks are planned with flash attention only by this version",
                        "allowed here: flash"});
}

}  // namespace foreshard::detail
