#include "planner/cost/step/whole_pipeline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "planner/cost/step/stage_play.hpp"
#include "planner/program/schedule/runs.hpp"

namespace foreshard {
namespace {

/// Groups of micro-batches that must add the same before they count as a steady state.
constexpr std::size_t kSteadyGroups = 4;

/// The runs of a stage in a step of the first `micro_batches` of the program's. The orders of 1f1b, interleaved,
/// zero-bubble and zero-bubble-2p for fewer micro-batches are those for more without the others; so is zb-v's, with
/// enough of them to fill the pipeline.
/// @pre no slot is issued in turns
std::vector<Run> first_runs_of(const StageProgram& stage, std::int64_t micro_batches) {
  std::vector<Run> runs;
  for (const BlockCall& block_call : stage.prologue)
    runs.push_back({block_call, ChunkId(), MicroBatch(), false});
  for (const Slot& slot : stage.order) {
    if (slot.micro_batch.value() >= micro_batches) continue;
    for (const BlockCall& block_call : block_calls_of(stage, slot, micro_batches))
      runs.push_back({block_call, slot.chunk, slot.micro_batch, true});
  }
  for (const BlockCall& block_call : stage.epilogue)
    runs.push_back({block_call, ChunkId(), MicroBatch(), false});
  return runs;
}

/// The player with the earliest end of its kernels, among those that can advance; null if there is none.
LanePlayer* earliest(std::vector<LanePlayer>& players, const std::vector<bool>& waits) {
  LanePlayer* first = nullptr;
  for (std::size_t i = 0; i < players.size(); ++i) {
    if (waits[i] || players[i].is_done()) continue;
    if (first == nullptr || players[i].compute_end() < first->compute_end()) first = &players[i];
  }
  return first;
}

/// Where a stage's groups of micro-batches begin in a list of runs, and the state of the rank there.
struct Groups {
  std::vector<std::size_t> first_run;
  std::vector<LaneMark> marks;
};

/// Plays the runs of all stages. The stage that is earliest in time advances first, so that its sends are known when their
/// receivers need them.
class TogetherPlayer {
 public:
  TogetherPlayer(const StepProgram& program, const LanePlan& plan, const Interference& interference,
                 std::vector<std::vector<Run>> runs)
      : board_(program, plan), runs_(std::move(runs)), groups_(runs_.size()) {
    for (std::size_t stage = 0; stage < runs_.size(); ++stage)
      players_.emplace_back(plan, runs_[stage], interference, board_, StageId(stage));
  }

  /// Where the groups of each stage begin, by stage; their marks are filled by play().
  [[nodiscard]] std::vector<Groups>& groups() { return groups_; }

  /// Plays all stages. Where steps overlap, without what a stage waits for its first activations.
  std::vector<LaneTimes> play(bool steps_overlap) {
    std::vector<bool> waits(players_.size());
    while (LanePlayer* player = earliest(players_, waits)) {
      const auto place = static_cast<std::size_t>(player - players_.data());
      note_group(groups_[place], *player);
      waits[place] = !player->advance();
      if (!waits[place]) waits.assign(players_.size(), false);
    }
    std::vector<LaneTimes> times;
    for (const LanePlayer& player : players_) {
      if (!player.is_done()) throw std::logic_error("the stages' orders wait for each other");
      times.push_back(steps_overlap ? player.end() - player.lead() : player.end());
    }
    return times;
  }

 private:
  /// A stage that had to wait within the run has noted it before.
  static void note_group(Groups& groups, const LanePlayer& player) {
    const std::size_t next = groups.marks.size();
    if (next < groups.first_run.size() && groups.first_run[next] == player.next_run())
      groups.marks.push_back(player.mark());
  }

  StageBoard board_;
  std::vector<std::vector<Run>> runs_;
  std::vector<LanePlayer> players_;
  std::vector<Groups> groups_;
};

/// Adds to each stage what it waits for the slowest at the end.
std::vector<LaneTimes> ended_together(std::vector<LaneTimes> times) {
  Seconds step;
  for (const LaneTimes& stage : times) step = std::max(step, stage.total());
  for (LaneTimes& stage : times) stage.bubble += step - stage.total();
  return times;
}

/// A step played with few micro-batches.
class ShortStep {
 public:
  ShortStep(const StepProgram& program, const LanePlan& plan, const Interference& interference)
      : program_(program), stages_(program.stages.size()) {
    const bool splits = !program.stages.front().chunks.front().weight.empty();
    const bool has_chunks = program.stages.front().chunks.size() > 1;
    // DualPipeV splits the backward passes at the end, but not those in the middle.
    if (splits && has_chunks) return;
    // Micro-batches of the interleaved schedule go in groups of the stages; a group is under way for chunks + 1 others.
    // One of zero-bubble-2p is under way for twice the stages.
    group_ = has_chunks ? static_cast<std::int64_t>(stages_) : 1;
    const auto filling =
        has_chunks ? std::int64_t{3} : static_cast<std::int64_t>(splits ? 2 * stages_ : stages_);
    few_ = group_ * (filling + static_cast<std::int64_t>(kSteadyGroups) + 3);
    if (2 * few_ > program.micro_batches || program.micro_batches % group_ != 0 || takes_turns(program))
      return;
    std::vector<std::vector<Run>> runs;
    for (const StageProgram& stage : program.stages) runs.push_back(first_runs_of(stage, few_));
    player_.emplace(program, plan, interference, std::move(runs));
  }

  /// The times of the whole step; none if it has no steady state, or is not longer.
  std::optional<std::vector<LaneTimes>> play() {
    if (!player_) return std::nullopt;
    for (std::size_t s = 0; s < stages_; ++s) {
      if (!find_groups(s)) return std::nullopt;
    }
    std::vector<LaneTimes> times = player_->play(program_.steps_overlap);
    const auto more = static_cast<double>((program_.micro_batches - few_) / group_);
    std::optional<Seconds> added;
    for (std::size_t s = 0; s < stages_; ++s) {
      const std::optional<LaneTimes> group = steady_group(player_->groups()[s].marks);
      if (!group) return std::nullopt;
      if (!added) added = group->total();
      if (!is_equal(*added, group->total(), *added)) return std::nullopt;
      times[s] += *group * more;
    }
    return times;
  }

 private:
  static bool is_equal(Seconds a, Seconds b, Seconds scale) {
    return std::abs((a - b).value()) <= 1e-9 * scale.value();
  }

  [[nodiscard]] std::size_t runs_in(std::size_t stage, const Slot& slot) const {
    return block_calls_of(program_.stages[stage], slot, few_).size();
  }

  /// A group of a stage's steady state begins with the backward pass of its first micro-batch through the last chunk, and
  /// has as many passes of each kind as the group has micro-batches and chunks. Those of them that are complete count.
  bool find_groups(std::size_t stage) {
    const StageProgram& program = program_.stages[stage];
    const auto passes = group_ * static_cast<std::int64_t>(program.chunks.size());
    const bool has_weight = !program.chunks.front().weight.empty();
    std::vector<std::size_t>& first_run = player_->groups()[stage].first_run;
    std::size_t run = program.prologue.size();
    std::array<std::int64_t, 3> seen{};
    for (const Slot& slot : program.order) {
      if (slot.micro_batch.value() >= few_) continue;
      const bool begins = slot.pass == Pass::backward && slot.micro_batch.value() % group_ == 0 &&
                          slot.chunk.at() + 1 == program.chunks.size();
      if (begins) {
        const bool is_whole = seen[0] == passes && seen[1] == passes && (!has_weight || seen[2] == passes);
        if (!is_whole && first_run.size() > kSteadyGroups) break;
        if (!is_whole) first_run.clear();
        first_run.push_back(run);
        seen = {};
      }
      ++seen[static_cast<std::size_t>(slot.pass)];
      run += runs_in(stage, slot);
    }
    return first_run.size() > kSteadyGroups;
  }

  /// What each of the last groups adds, if it is the same; and the lanes for which kernels do not wait keep up.
  static std::optional<LaneTimes> steady_group(std::span<const LaneMark> marks) {
    std::optional<LaneTimes> first;
    for (std::size_t g = marks.size() - kSteadyGroups; g < marks.size(); ++g) {
      const LaneMark& before = marks[g - 1];
      const LaneMark& after = marks[g];
      const LaneTimes added = after.times - before.times;
      if (!first) first = added;
      if (!is_alike(*first, added)) return std::nullopt;
      for (Seconds LaneMark::*lane : {&LaneMark::links_end, &LaneMark::host_end, &LaneMark::sent_end}) {
        const Seconds more = after.*lane - before.*lane;
        if (more > Seconds(0.0) && !is_equal(more, added.total(), added.total())) return std::nullopt;
      }
    }
    return first;
  }

  static bool is_alike(const LaneTimes& a, const LaneTimes& b) {
    const Seconds scale = a.total();
    bool is_alike = is_equal(a.compute, b.compute, scale) && is_equal(a.optimizer, b.optimizer, scale) &&
                    is_equal(a.host, b.host, scale) && is_equal(a.bubble, b.bubble, scale);
    for (std::size_t axis = 0; axis < kCommAxisCount; ++axis)
      is_alike = is_alike && is_equal(a.exposed[axis], b.exposed[axis], scale);
    return is_alike;
  }

  const StepProgram& program_;
  std::size_t stages_;
  std::int64_t group_ = 1;
  std::int64_t few_ = 0;
  std::optional<TogetherPlayer> player_;
};

}  // namespace

std::vector<LaneTimes> play_every_pass(const StepProgram& program, const LanePlan& plan,
                                       const Interference& interference) {
  std::vector<std::vector<Run>> runs;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage)
    runs.push_back(runs_of(program, StageId(stage)));
  return ended_together(
      TogetherPlayer(program, plan, interference, std::move(runs)).play(program.steps_overlap));
}

std::vector<LaneTimes> play_together(const StepProgram& program, const LanePlan& plan,
                                     const Interference& interference) {
  std::optional<std::vector<LaneTimes>> steady = ShortStep(program, plan, interference).play();
  if (!steady) return play_every_pass(program, plan, interference);
  return ended_together(*std::move(steady));
}

}  // namespace foreshard
