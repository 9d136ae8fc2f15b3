#include "planner/search/remedy.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/program/emit/emit.hpp"

namespace foreshard {
namespace {

/// Values to change to; none: as it is.
struct Change {
  std::optional<int> zero;
  std::optional<Recompute> recompute;
  bool single_sequences = false;  ///< micro-batches of 1
};

constexpr std::array<Change, 12> kCheapestFirst{{
    {1, std::nullopt, false},
    {std::nullopt, Recompute::selective, false},
    {1, Recompute::selective, false},
    {std::nullopt, std::nullopt, true},
    {1, std::nullopt, true},
    {std::nullopt, Recompute::full, false},
    {1, Recompute::full, false},
    {std::nullopt, Recompute::full, true},
    {1, Recompute::full, true},
    {3, std::nullopt, false},
    {3, Recompute::full, false},
    {3, Recompute::full, true},
}};

/// How little recomputation keeps, in order.
int thrift(Recompute recompute) {
  switch (recompute) {
    case Recompute::none: return 0;
    case Recompute::selective: return 1;
    case Recompute::selective_ops: return 2;
    case Recompute::full: return 3;
  }
  return 0;
}

/// The change as lists of one value; none where part of it would change nothing or what is fixed.
std::optional<VariantAxes> axes_of(const Change& change, const JobSpec& job, std::span<const Axis> fixed) {
  const auto is_fixed = [&](Axis axis) { return std::find(fixed.begin(), fixed.end(), axis) != fixed.end(); };
  VariantAxes axes;
  if (change.zero) {
    if (is_fixed(Axis::zero) || *change.zero <= job.parallelism.zero) return std::nullopt;
    axes.zero = {*change.zero};
  }
  if (change.recompute) {
    const bool saves = thrift(*change.recompute) > thrift(job.training.recompute);
    if (is_fixed(Axis::recompute) || !saves) return std::nullopt;
    axes.recompute = {*change.recompute};
  }
  if (change.single_sequences) {
    if (is_fixed(Axis::micro_batch) || job.training.micro_batch == 1) return std::nullopt;
    axes.micro_batch = {1};
  }
  return axes;
}

}  // namespace

std::optional<Remedy> find_remedy(const JobSpec& job, std::span<const Axis> fixed) {
  for (const Change& change : kCheapestFirst) {
    const auto axes = axes_of(change, job, fixed);
    if (!axes) continue;
    Variant variant = std::move(make_variants(job, *axes).front());
    if (variant.illegal) continue;
    const MemoryReport memory = memory_report(variant.job, build_step_program(variant.job));
    if (memory.fits) return Remedy{std::move(variant), memory.reserved + memory.context};
  }
  return std::nullopt;
}

}  // namespace foreshard
