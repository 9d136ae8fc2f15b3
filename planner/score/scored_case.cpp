#include "planner/score/scored_case.hpp"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "planner/cost/step/error_band.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard {
namespace {

ScoredMemory score_memory(const JobSpec& job, const MemoryReport& report) {
  const MemoryKind kind = job.measured->memory_kind;
  const Bytes measured = *job.measured->peak_memory;
  const Bytes predicted = kind == MemoryKind::allocated ? report.allocated : report.reserved;
  return {.kind = kind,
          .predicted = predicted,
          .measured = measured,
          .error = predicted.as_double() / measured.as_double() - 1.0,
          .facts_known = job.measured->assumed.empty() && job.left_out.empty()};
}

/// Jobs with the same words run the same step program, but for figures that a step program of other words
/// could not have in common.
std::string plan_words(const JobSpec& job, const Estimate& estimate) {
  const ParallelismSpec& p = job.parallelism;
  const TrainingSpec& t = job.training;
  std::string words =
      fmt::format("tp {} pp {} vp {} cp {} ep {} etp {} dp {} zero {} over {} sp {}", p.tp, p.pp, p.vp, p.cp,
                  p.ep, p.expert_tp(), p.dp, p.zero, p.dp_shard.value_or(p.dp), p.sequence_parallel);
  words += fmt::format(" {} {} micro-batch {} {} {} graphs {}", word_of(t.precision), word_of(t.fp8_scaling),
                       t.micro_batch, word_of(t.recompute), word_of(t.schedule), word_of(t.graphs));
  words += fmt::format(" overlap {} {} {} {} {} {}", word_of(t.overlap.tp), t.overlap.dp, t.overlap.pp,
                       t.overlap.cp, static_cast<int>(t.overlap.ep), t.overlap.gather);
  words +=
      fmt::format(" as {} {} compiled {} memory {} flops {}", word_of(job.framework), word_of(t.dispatcher),
                  t.compiled, estimate.memory.allocated.value(), estimate.step.hardware_flops.as_double());
  return words;
}

CaseTraits traits_of(const JobSpec& job) {
  const std::string& accelerator = job.cluster.accelerator.name;
  return {.has_experts = job.model.experts.has_value(),
          .precision = std::string(word_of(job.training.precision)),
          .accelerator = accelerator.substr(0, accelerator.find('-')),
          .framework = std::string(word_of(job.framework)),
          .leaves_out = !job.left_out.empty()};
}

}  // namespace

ScoredRun score_run(std::string source, const JobSpec& job, const Estimate& estimate) {
  ScoredRun run{.name = job.name, .source = std::move(source), .memory = {}, .verdict = {}};
  if (!job.measured) return run;
  const MeasuredSpec& measured = *job.measured;
  const MemoryReport& report = estimate.memory;
  if (measured.peak_memory) run.memory = score_memory(job, report);
  run.verdict = {.outcome = measured.outcome.value_or(RunOutcome::ran),
                 .verdict = report.verdict,
                 .needed = report.reserved + report.context,
                 .capacity = report.capacity};
  return run;
}

ScoredCase score_case(std::string source, const JobSpec& job, const Estimate& estimate) {
  if (!job.measured || !job.measured->step_time) {
    throw std::invalid_argument("no step time was measured for '" + job.name + "'");
  }
  const MeasuredSpec& measured = *job.measured;
  ScoredCase scored;
  scored.name = job.name;
  scored.source = std::move(source);
  scored.question = {.model = job.model.name,
                     .parameters = estimate.parameters.total,
                     .accelerator = job.cluster.accelerator.name,
                     .devices = job.cluster.devices(),
                     .global_batch = job.training.global_batch,
                     .sequence_length = job.training.sequence_length};
  scored.predicted = estimate.step.time;
  scored.width = width_of(job);
  scored.plan = plan_words(job, estimate);
  scored.traits = traits_of(job);
  scored.low = estimate.step.time_low;
  scored.high = estimate.step.time_high;
  scored.measured = *measured.step_time;
  scored.error = scored.predicted / scored.measured - 1.0;
  scored.not_judged = measured.not_judged;
  ScoredRun run = score_run(scored.source, job, estimate);
  scored.memory = run.memory;
  scored.verdict = run.verdict;
  return scored;
}

}  // namespace foreshard
