#include "sim/step/instance_table.hpp"

#include <algorithm>

namespace foreshard {

namespace {

/// The largest number of micro-batches in flight on a stage: from the oldest that it still needs to the
/// newest that it has begun, both included.
std::size_t micro_batches_alive(const std::vector<Run>& runs) {
  std::int32_t newest = 0;
  for (const Run& run : runs) newest = std::max(newest, run.micro_batch.value());
  std::vector<std::size_t> last_run(static_cast<std::size_t>(newest) + 1);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (runs[r].in_slot) last_run[runs[r].micro_batch.at()] = r;
  }
  std::size_t oldest = 0;
  std::size_t begun = 0;
  std::size_t most = 1;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    if (!runs[r].in_slot) continue;
    begun = std::max(begun, runs[r].micro_batch.at());
    while (oldest < begun && last_run[oldest] < r) ++oldest;
    most = std::max(most, begun - oldest + 1);
  }
  return most;
}

}  // namespace

InstanceTable::InstanceTable(const ProgramPlan& plan, const std::vector<Run>& runs) : shared_(&plan.shared) {
  std::int32_t lowest = 0;
  std::int32_t highest = 0;
  if (!runs.empty()) lowest = highest = runs.front().block_call.layer.value();
  for (const Run& run : runs) {
    lowest = std::min(lowest, run.block_call.layer.value());
    highest = std::max(highest, run.block_call.layer.value());
  }
  lowest_layer_ = lowest + plan.lowest_shift;
  const auto layers = static_cast<std::size_t>(highest + plan.highest_shift - lowest_layer_) + 1;
  // A stage of an interleaved schedule holds layers that are not consecutive: only layers it touches get
  // entries.
  std::vector<bool> touched(layers);
  for (const Run& run : runs) {
    for (std::int32_t shift = plan.lowest_shift; shift <= plan.highest_shift; ++shift)
      touched[static_cast<std::size_t>(run.block_call.layer.value() + shift - lowest_layer_)] = true;
  }
  std::uint32_t slots = 0;
  for (const bool is_touched : touched) layer_slots_.push_back(is_touched ? slots++ : 0);

  const std::size_t alive = micro_batches_alive(runs) + 1;  // one more for runs outside all micro-batches
  const bool has_turns = std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.in_turns; });
  const std::size_t runs_issued = static_cast<std::size_t>(plan.most_blocks_early) + (has_turns ? 2 : 1);
  std::size_t entries = 0;
  for (const SharedTensor& tensor : plan.shared) {
    Place place{.first = entries, .layers = 1, .turns = 1};
    if (tensor.lifetime == Lifetime::block) {
      place.turns = runs_issued;
    } else if (tensor.per_layer) {
      place.layers = slots;
    }
    if (tensor.lifetime == Lifetime::micro_batch) place.turns = alive;
    entries += place.layers * place.turns;
    places_.push_back(place);
  }
  uses_.resize(entries);
}

InstanceTable::Key InstanceTable::key(const SharedOperand& operand, const Run& run,
                                      std::size_t run_index) const {
  const Lifetime lifetime = (*shared_)[operand.tensor].lifetime;
  const Place& place = places_[operand.tensor];
  std::size_t index = 0;
  if (lifetime == Lifetime::block) {
    index = run_index;
  } else if (lifetime == Lifetime::micro_batch && run.in_slot) {
    index = run.micro_batch.at() + 1;
  }
  std::size_t layer = 0;
  if (place.layers > 1) {
    layer = layer_slots_[static_cast<std::size_t>(run.block_call.layer.value() + operand.layer_shift -
                                                  lowest_layer_)];
  }
  return {place.first + layer * place.turns + index % place.turns, static_cast<std::int64_t>(index)};
}

LastUses& InstanceTable::find(const SharedOperand& operand, const Run& run, std::size_t run_index) {
  const Key at = key(operand, run, run_index);
  LastUses& uses = uses_[at.entry];
  if (uses.index != at.index) {
    uses = LastUses{};
    uses.index = at.index;
  }
  return uses;
}

}  // namespace foreshard
