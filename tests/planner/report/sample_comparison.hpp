#pragma once

#include <utility>
#include <vector>

#include "planner/search/comparison.hpp"
#include "tests/planner/report/sample_plan.hpp"

/// Variants of the sample job with estimates filled by hand.
namespace foreshard {

inline Bytes gibibytes(std::int64_t count) { return Bytes(count << 30); }

inline void choose(ComparedVariant& compared, Axis axis, decltype(AxisChoice::value) value) {
  AxisChoice& choice = compared.variant.choices.emplace_back();
  choice.axis = axis;
  choice.value = std::move(value);
}

/// The sample job at 64 devices, pp 4 and this tp, with this step time in seconds and kernels within ±6.25%.
inline ComparedVariant sample_variant(std::int64_t tp, double seconds) {
  ComparedVariant compared;
  choose(compared, Axis::tp, tp);
  compared.variant.job = sample_job();
  compared.variant.job.parallelism.tp = tp;
  compared.variant.job.parallelism.dp = 16 / tp;
  Estimate estimate = sample_estimate();
  estimate.step.time = Seconds(seconds);
  estimate.step.spread = 0.0625;
  compared.estimate = std::move(estimate);
  compared.largest_micro_batch = 2;
  compared.longest_sequence = 12'288;
  return compared;
}

/// The sample job with one value changed.
inline ComparedVariant sample_variant_with(Axis axis, decltype(AxisChoice::value) value, double seconds) {
  ComparedVariant compared = sample_variant(8, seconds);
  compared.variant.choices.clear();
  choose(compared, axis, std::move(value));
  return compared;
}

/// Four and eight nodes, 12 and 8 s.
inline std::vector<ComparedVariant> sample_nodes() {
  std::vector<ComparedVariant> variants = {sample_variant_with(Axis::nodes, std::int64_t{4}, 12.0),
                                           sample_variant_with(Axis::nodes, std::int64_t{8}, 8.0)};
  variants[0].variant.job.cluster.nodes = 4;
  return variants;
}

/// Needs 100 GiB of 79: 98 of them weights, gradients, optimizer state.
inline ComparedVariant too_large_variant(std::int64_t tp) {
  ComparedVariant compared = sample_variant(tp, 4.0);
  compared.variant.job.parallelism.sequence_parallel = false;
  MemoryReport& memory = compared.estimate->memory;
  memory.context = gibibytes(1);
  memory.reserved = gibibytes(99);
  memory.fits = false;
  StageMemory& worst = memory.stages[memory.worst_stage];
  worst.weights = gibibytes(20);
  worst.gradients = gibibytes(30);
  worst.optimizer = gibibytes(48);
  compared.largest_micro_batch.reset();
  compared.longest_sequence.reset();
  return compared;
}

inline ComparedVariant illegal_variant(std::int64_t tp) {
  ComparedVariant compared;
  choose(compared, Axis::tp, tp);
  compared.variant.job = sample_job();
  compared.variant.job.parallelism.tp = tp;
  compared.variant.illegal = "3 does not divide the model's 64 heads";
  return compared;
}

/// tp 2 is too large, tp 3 is illegal, tp 4 takes 8 s, tp 8 takes 10 s, half a second less of it in the
/// bubble and 2.5 s more in tp.
inline Comparison sample_comparison() {
  ComparedVariant slower = sample_variant(8, 10.0);
  slower.estimate->step.breakdown.tp_exposed += Seconds(2.5);
  slower.estimate->step.breakdown.bubble -= Seconds(0.5);
  slower.estimate->step.mfu = 0.44;
  return rank_variants({too_large_variant(2), illegal_variant(3), sample_variant(4, 8.0), slower});
}

}  // namespace foreshard
