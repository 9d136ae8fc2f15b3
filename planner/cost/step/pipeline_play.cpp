#include "planner/cost/step/pipeline_play.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "planner/program/schedule/placement.hpp"

namespace foreshard {

namespace {

constexpr double kNotYet = -1.0;

/// Plays the orders of all stages together: each stage advances until it needs a result that is not known
/// yet.
class PipelinePlayer {
 public:
  PipelinePlayer(const StepProgram& program, std::span<const StagePlay> plays)
      : program_(program), placement_(placement_of(program)), plays_(plays), stages_(program.stages.size()) {
    const auto passes = static_cast<std::size_t>(program.micro_batches) * placement_.pieces().size();
    forward_.resize(passes);
    backward_.resize(passes);
  }

  PipelineTimes run() {
    std::vector<std::size_t> next(stages_, 0);
    PipelineTimes result{std::vector<Seconds>(stages_), std::vector<Seconds>(stages_),
                         std::vector<Seconds>(stages_)};
    for (std::size_t s = 0; s < stages_; ++s) result.end[s] = plays_[s].prologue.total();
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
  /// When a pass has ended, and when its result has arrived at the stage that needs it.
  struct Done {
    double end = kNotYet;
    double delivered = kNotYet;
  };
  /// When the input of a pass is there; kNotYet if the pass that makes it has not been played. `sent` is when
  /// that pass ended: for a neighbour's result, the start of its transfer.
  struct Arrival {
    double time = 0.0;
    double sent = 0.0;
  };

  /// The index into forward_ and backward_ for a piece of the model and the slot's micro-batch.
  [[nodiscard]] std::size_t at(std::size_t piece, const Slot& slot) const {
    return piece * static_cast<std::size_t>(program_.micro_batches) + slot.micro_batch.at();
  }

  [[nodiscard]] Arrival arrival(std::size_t piece, const Slot& slot) const {
    if (slot.pass == Pass::forward) {
      if (piece == 0) return {};
      const Done& previous = forward_[at(piece - 1, slot)];
      return {previous.delivered, previous.end};
    }
    // A weight pass needs what the backward pass of its own stage saved; the order puts that pass before it.
    if (slot.pass == Pass::weight) return own(backward_[at(piece, slot)]);
    const Done& before = forward_[at(piece, slot)];
    if (before.end == kNotYet || piece + 1 == placement_.pieces().size()) return own(before);
    const Done& next = backward_[at(piece + 1, slot)];
    if (next.end == kNotYet || next.delivered >= before.end) return {next.delivered, next.end};
    return own(before);
  }
  static Arrival own(const Done& done) { return {done.end, done.end}; }

  bool advance(std::size_t stage, const Slot& slot, PipelineTimes& result) {
    const std::size_t piece = placement_.index(StageId(stage), slot.chunk);
    const Arrival needed = arrival(piece, slot);
    if (needed.time == kNotYet) return false;
    const PassPlay::Times& times =
        plays_[stage].chunks[slot.chunk.at()][static_cast<std::size_t>(slot.pass)].of(slot.micro_batch,
                                                                                      program_.micro_batches);
    const double free = result.end[stage].value();
    const bool is_first = slot == program_.stages[stage].order.front();
    if (is_first && program_.steps_overlap)
      result.lead[stage] = Seconds(std::max(0.0, needed.time - free));
    else
      result.transfer[stage] += Seconds(std::max(0.0, needed.time - std::max(free, needed.sent)));
    const Seconds end = Seconds(std::max(free, needed.time)) + times.lanes.total();
    const Done done{end.value(), (end + times.delivery).value()};
    if (slot.pass == Pass::forward) forward_[at(piece, slot)] = done;
    if (slot.pass == Pass::backward) backward_[at(piece, slot)] = done;
    result.end[stage] = end;
    return true;
  }

  const StepProgram& program_;
  Placement placement_;
  std::span<const StagePlay> plays_;
  std::size_t stages_;
  std::vector<Done> forward_;
  std::vector<Done> backward_;
};

}  // namespace

Seconds PipelineTimes::last_end() const { return *std::max_element(end.begin(), end.end()); }

PipelineTimes play_pipeline(const StepProgram& program, std::span<const StagePlay> stages) {
  return PipelinePlayer(program, stages).run();
}

}  // namespace foreshard
