#include "planner/cost/step/pipeline_play.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "planner/program/schedule/placement.hpp"

namespace foreshard {

namespace {

constexpr double kNotYet = -1.0;

Seconds duration_of(const ChunkTimes& chunk, Pass pass) {
  switch (pass) {
    case Pass::forward: return chunk.forward;
    case Pass::backward: return chunk.backward;
    case Pass::weight: return chunk.weight;
    case Pass::once: break;
  }
  throw std::logic_error("no slot runs what stands outside all micro-batches");
}

/// Runs the stages' orders against each other.
class PipelinePlayer {
 public:
  PipelinePlayer(const StepProgram& program, std::span<const std::vector<ChunkTimes>> times, Seconds transfer)
      : program_(program),
        placement_(placement_of(program)),
        times_(times),
        transfer_(transfer.value()),
        stages_(program.stages.size()) {
    const auto passes = static_cast<std::size_t>(program.micro_batches) * placement_.pieces().size();
    forward_end_.assign(passes, kNotYet);
    backward_end_.assign(passes, kNotYet);
  }

  PipelineTimes run() {
    std::vector<std::size_t> next(stages_, 0);
    PipelineTimes result{std::vector<Seconds>(stages_), std::vector<Seconds>(stages_)};
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t s = 0; s < stages_; ++s) {
        const std::vector<Slot>& order = program_.stages[s].order;
        while (next[s] < order.size() && advance(s, order[next[s]], result)) {
          ++next[s];
          moved = true;
        }
      }
    }
    for (std::size_t s = 0; s < stages_; ++s) {
      if (next[s] < program_.stages[s].order.size())
        throw std::logic_error("the stages' orders wait for each other");
    }
    return result;
  }

 private:
  /// The place of a piece's pass in the ends.
  [[nodiscard]] std::size_t at(std::size_t piece, const Slot& slot) const {
    return piece * static_cast<std::size_t>(program_.micro_batches) + slot.micro_batch.at();
  }

  /// When what this pass needs is there; kNotYet if nobody knows yet.
  [[nodiscard]] double arrival(std::size_t piece, const Slot& slot) const {
    if (slot.pass == Pass::forward) {
      if (piece == 0) return 0.0;
      const double sent = forward_end_[at(piece - 1, slot)];
      return sent == kNotYet ? kNotYet : sent + transfer_behind(piece - 1);
    }
    // A weight pass needs what its stage's own backward left, which the order has put before it.
    if (slot.pass == Pass::weight) return backward_end_[at(piece, slot)];
    const double own = forward_end_[at(piece, slot)];
    if (own == kNotYet || piece + 1 == placement_.pieces().size()) return own;
    const double sent = backward_end_[at(piece + 1, slot)];
    return sent == kNotYet ? kNotYet : std::max(own, sent + transfer_behind(piece));
  }

  /// What it takes to bring activations from a piece to the one behind it, or gradients back.
  [[nodiscard]] double transfer_behind(std::size_t piece) const {
    return placement_.way_on(piece) ? transfer_ : 0.0;
  }

  bool advance(std::size_t stage, const Slot& slot, PipelineTimes& result) {
    const std::size_t piece = placement_.index(StageId(stage), slot.chunk);
    const double ready = arrival(piece, slot);
    if (ready == kNotYet) return false;
    const Seconds duration = duration_of(times_[stage][slot.chunk.at()], slot.pass);
    const Seconds end = std::max(result.end[stage], Seconds(ready)) + duration;
    if (slot.pass == Pass::forward) forward_end_[at(piece, slot)] = end.value();
    if (slot.pass == Pass::backward) backward_end_[at(piece, slot)] = end.value();
    result.end[stage] = end;
    result.busy[stage] += duration;
    return true;
  }

  const StepProgram& program_;
  Placement placement_;
  std::span<const std::vector<ChunkTimes>> times_;
  double transfer_;
  std::size_t stages_;
  std::vector<double> forward_end_;
  std::vector<double> backward_end_;
};

}  // namespace

Seconds PipelineTimes::last_end() const { return *std::max_element(end.begin(), end.end()); }

PipelineTimes play_pipeline(const StepProgram& program, std::span<const std::vector<ChunkTimes>> times,
                            Seconds transfer) {
  return PipelinePlayer(program, times, transfer).run();
}

}  // namespace foreshard
