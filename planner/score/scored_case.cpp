#include "planner/score/scored_case.hpp"

#include <stdexcept>
#include <utility>

namespace foreshard {
namespace {

ScoredMemory score_memory(MemoryKind kind, Bytes measured, const MemoryReport& report) {
  const Bytes predicted = kind == MemoryKind::allocated ? report.allocated : report.reserved;
  return {.kind = kind,
          .predicted = predicted,
          .measured = measured,
          .error = predicted.as_double() / measured.as_double() - 1.0};
}

}  // namespace

ScoredRun score_run(std::string source, const JobSpec& job, const Estimate& estimate) {
  ScoredRun run{.name = job.name, .source = std::move(source), .memory = {}, .verdict = {}};
  if (!job.measured) return run;
  const MeasuredSpec& measured = *job.measured;
  const MemoryReport& report = estimate.memory;
  if (measured.peak_memory) run.memory = score_memory(measured.memory_kind, *measured.peak_memory, report);
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
  scored.spread = estimate.step.spread;
  scored.low = estimate.step.time_low;
  scored.high = estimate.step.time_high;
  scored.measured = *measured.step_time;
  scored.error = scored.predicted / scored.measured - 1.0;
  ScoredRun run = score_run(scored.source, job, estimate);
  scored.memory = run.memory;
  scored.verdict = run.verdict;
  return scored;
}

}  // namespace foreshard
