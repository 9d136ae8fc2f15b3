#include "planner/cost/step/stage_play.hpp"

#include <algorithm>
#include <utility>

#include "planner/program/schedule/runs.hpp"

namespace foreshard {

namespace {

/// A slot that is played, and the index of its micro-batch among the played ones.
struct PlayedSlot {
  Slot slot;
  std::size_t round = 0;
};

/// True if all forward passes of a stage come before its first backward pass.
bool runs_forwards_first(const StageProgram& stage) {
  const auto is_forward = [](const Slot& slot) { return slot.pass == Pass::forward; };
  return std::is_partitioned(stage.order.begin(), stage.order.end(), is_forward);
}

/// The runs of the first micro-batches and the last one of a stage, with marks between their slots.
class Sequence {
 public:
  static constexpr std::int64_t kMostRounds = 3;

  Sequence(const StepProgram& program, const StageProgram& stage)
      : micro_batches_(program.micro_batches), rounds_(std::min(kMostRounds, program.micro_batches)) {
    for (const BlockCall& block_call : stage.prologue)
      runs_.push_back({block_call, ChunkId(), MicroBatch(), false});
    if (runs_forwards_first(stage)) {
      for (std::int64_t round = 0; round < rounds_; ++round) add_forwards(stage, round);
      for (std::int64_t round = 0; round < rounds_; ++round) {
        first_slots_.push_back(slots_.size());
        add_backwards(stage, round);
      }
    } else if (stage.chunks.size() > 1) {
      add_chunks_in_turns(stage);
    } else {
      for (std::int64_t round = 0; round < rounds_; ++round) {
        first_slots_.push_back(slots_.size());
        add_forwards(stage, round);
        add_backwards(stage, round);
      }
    }
    marks_.push_back(runs_.size());
    for (const BlockCall& block_call : stage.epilogue)
      runs_.push_back({block_call, ChunkId(), MicroBatch(), false});
  }

  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  /// Index of the first run of each slot, and the index after the last slot's runs.
  [[nodiscard]] const std::vector<std::size_t>& marks() const { return marks_; }
  [[nodiscard]] const std::vector<PlayedSlot>& slots() const { return slots_; }
  [[nodiscard]] std::int64_t rounds() const { return rounds_; }
  /// The first slot of a micro-batch; if all forward passes come first, the first slot of its backward pass.
  [[nodiscard]] std::size_t first_slot(std::size_t round) const { return first_slots_[round]; }

 private:
  void add_forwards(const StageProgram& stage, std::int64_t round) {
    for (std::size_t chunk = 0; chunk < stage.chunks.size(); ++chunk) add(stage, Pass::forward, chunk, round);
  }
  void add_backward(const StageProgram& stage, std::size_t chunk, std::int64_t round) {
    add(stage, Pass::backward, chunk, round);
    if (!stage.chunks[chunk].weight.empty()) add(stage, Pass::weight, chunk, round);
  }
  void add_backwards(const StageProgram& stage, std::int64_t round) {
    for (std::size_t chunk = stage.chunks.size(); chunk-- > 0;) add_backward(stage, chunk, round);
  }
  /// A forward pass of one chunk, then a backward pass of another, which belongs to the micro-batch before.
  void add_chunks_in_turns(const StageProgram& stage) {
    for (std::int64_t round = 0; round < rounds_; ++round) {
      first_slots_.push_back(slots_.size());
      for (std::size_t chunk = 0; chunk < stage.chunks.size(); ++chunk) {
        add(stage, Pass::forward, chunk, round);
        if (round > 0) add_backward(stage, stage.chunks.size() - 1 - chunk, round - 1);
      }
    }
    add_backwards(stage, rounds_ - 1);
  }
  void add(const StageProgram& stage, Pass pass, std::size_t chunk, std::int64_t round) {
    const std::int64_t micro_batch = round + 1 == rounds_ ? micro_batches_ - 1 : round;
    const Slot slot{pass, ChunkId(chunk), MicroBatch(static_cast<std::size_t>(micro_batch))};
    slots_.push_back({slot, static_cast<std::size_t>(round)});
    marks_.push_back(runs_.size());
    for (const BlockCall& block_call : block_calls_of(stage, slot, micro_batches_))
      runs_.push_back({block_call, slot.chunk, slot.micro_batch, true});
  }

  std::int64_t micro_batches_;
  std::int64_t rounds_;
  std::vector<Run> runs_;
  std::vector<std::size_t> marks_;
  std::vector<PlayedSlot> slots_;
  std::vector<std::size_t> first_slots_;  // by round
};

PassPlay::Times times_of_slot(const LaneMark& begin, const LaneMark& end) {
  PassPlay::Times times{end.times - begin.times, Seconds(0.0)};
  if (end.sent_end > begin.sent_end)
    times.delivery = std::max(Seconds(0.0), end.sent_end - end.times.total());
  return times;
}

void book_slot(StagePlay& play, const PlayedSlot& slot, std::int64_t rounds, const PassPlay::Times& times) {
  PassPlay& pass = play.chunks[slot.slot.chunk.at()][static_cast<std::size_t>(slot.slot.pass)];
  const auto last = static_cast<std::size_t>(rounds - 1);
  if (slot.round == 0) pass.first = times;
  if (slot.round == last) pass.last = times;
  if (slot.round + 1 == last || last == 0) pass.between = times;
}

/// True if the stage gathers weights before its first pass (training.overlap.gather).
bool gathers_first(const StepProgram& program, const StageProgram& stage) {
  return std::any_of(stage.prologue.begin(), stage.prologue.end(), [&](const BlockCall& call) {
    return program.block(call.block).kind == BlockKind::sync;
  });
}

/// A stage that is played alone reaches all of its chunks at once. In the schedule, later stages and chunks get their
/// first micro-batch when stage 0 has passed it on: their weights have been gathered meanwhile, beside those of
/// stage 0. So only the first chunk of stage 0 waits for gathers.
void hide_first_gathers(StagePlay& play, StageId stage) {
  constexpr auto kDp = static_cast<std::size_t>(CommAxis::dp);
  for (std::size_t chunk = stage.value() == 0 ? 1 : 0; chunk < play.chunks.size(); ++chunk) {
    PassPlay& forward = play.chunks[chunk][static_cast<std::size_t>(Pass::forward)];
    Seconds& waits = forward.first.lanes.exposed[kDp];
    waits = std::min(waits, forward.between.lanes.exposed[kDp]);
  }
}

/// The backlog behind the kernels that each further micro-batch adds to lanes for which no kernel waits: those of
/// data-parallel communication, or those of the host. Measured on the middle one of three micro-batches.
/// @pre three micro-batches are played
Seconds falls_behind(const Sequence& sequence, const std::vector<LaneMark>& stands,
                     Seconds LaneMark::*lanes) {
  const LaneMark& before = stands[sequence.first_slot(1)];
  const LaneMark& after = stands[sequence.first_slot(2)];
  const Seconds kernels = after.times.total() - before.times.total();
  const bool is_behind = after.*lanes > after.times.total();
  return is_behind ? std::max(Seconds(0.0), after.*lanes - before.*lanes - kernels) : Seconds(0.0);
}

bool is_alike(std::span<const BlockCall> a, std::span<const BlockCall> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const BlockCall& x, const BlockCall& y) { return x.block == y.block; });
}

/// True if the stages run the same blocks, whatever their layers.
bool is_alike(const StageProgram& a, const StageProgram& b) {
  const auto chunks = [](const Chunk& x, const Chunk& y) {
    return is_alike(x.forward, y.forward) && is_alike(x.first_forward, y.first_forward) &&
           is_alike(x.backward, y.backward) && is_alike(x.last_backward, y.last_backward) &&
           is_alike(x.weight, y.weight) && is_alike(x.last_weight, y.last_weight);
  };
  return is_alike(a.prologue, b.prologue) && is_alike(a.epilogue, b.epilogue) &&
         std::equal(a.chunks.begin(), a.chunks.end(), b.chunks.begin(), b.chunks.end(), chunks);
}

}  // namespace

LaneTimes PassPlay::sum(std::int64_t micro_batches) const {
  LaneTimes sum = last.lanes;
  if (micro_batches > 1) sum += first.lanes;
  if (micro_batches > 2) sum += between.lanes * static_cast<double>(micro_batches - 2);
  return sum;
}

StagePlay play_stage(const StepProgram& program, const LanePlan& plan, StageId stage_id,
                     const Interference& interference) {
  const Sequence sequence(program, program.stages[stage_id.at()]);
  LanePlayer player(plan, sequence.runs(), interference);
  const std::vector<LaneMark> stands = player.play(sequence.marks());

  StagePlay play;
  play.chunks.resize(program.stages[stage_id.at()].chunks.size());
  play.prologue = stands.front().times;
  const std::vector<PlayedSlot>& slots = sequence.slots();
  for (std::size_t s = 0; s < slots.size(); ++s)
    book_slot(play, slots[s], sequence.rounds(), times_of_slot(stands[s], stands[s + 1]));
  if (program.stages.size() > 1 && gathers_first(program, program.stages[stage_id.at()]))
    hide_first_gathers(play, stage_id);
  const LaneTimes& passed = stands.back().times;
  play.epilogue = player.end() - passed;
  if (player.join()) play.join = std::max(Seconds(0.0), *player.join() - passed.total());
  if (sequence.rounds() == Sequence::kMostRounds) {
    const auto more = static_cast<double>(program.micro_batches - sequence.rounds());
    const Seconds links = more * falls_behind(sequence, stands, &LaneMark::links_end);
    const Seconds host = more * falls_behind(sequence, stands, &LaneMark::host_end);
    const CommAxis axis = links >= host ? CommAxis::dp : CommAxis::offload;
    play.epilogue.exposed[static_cast<std::size_t>(axis)] += std::max(links, host);
    if (play.join) *play.join += std::max(links, host);
  }
  return play;
}

std::vector<StagePlay> play_stages(const StepProgram& program, const LanePlan& plan,
                                   const Interference& interference) {
  std::vector<StagePlay> plays;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
    std::size_t like = 0;
    while (like < stage && !is_alike(program.stages[like], program.stages[stage])) ++like;
    plays.push_back(like < stage ? StagePlay(plays[like])
                                 : play_stage(program, plan, StageId(stage), interference));
  }
  return plays;
}

namespace {

LaneTimes play_alone(const StepProgram& program, const LanePlan& plan, const Interference& interference) {
  const std::vector<Run> runs = runs_of(program, StageId(0));
  LanePlayer player(plan, runs, interference);
  player.play({});
  return player.end();
}

/// Leaves the first `few` micro-batches in the order of the only stage.
void keep_micro_batches(StepProgram& program, std::int64_t few) {
  program.micro_batches = few;
  std::vector<Slot> kept;
  bool kept_before = false;
  for (Slot slot : program.stages.front().order) {
    const bool keep = slot.micro_batch.value() < few;
    slot.in_turns = slot.in_turns && kept_before;
    if (keep) kept.push_back(slot);
    kept_before = keep;
  }
  program.stages.front().order = std::move(kept);
}

}  // namespace

bool takes_turns(const StepProgram& program) {
  return std::any_of(program.stages.begin(), program.stages.end(), [](const StageProgram& stage) {
    return std::any_of(stage.order.begin(), stage.order.end(),
                       [](const Slot& slot) { return slot.in_turns; });
  });
}

LaneTimes play_in_turns(const StepProgram& program, const LanePlan& plan, const Interference& interference) {
  constexpr std::int64_t kPlayed = 6;
  if (program.micro_batches <= kPlayed) return play_alone(program, plan, interference);
  StepProgram part = program;
  keep_micro_batches(part, kPlayed);
  const LaneTimes most = play_alone(part, plan, interference);
  keep_micro_batches(part, kPlayed - 1);
  const LaneTimes one = most - play_alone(part, plan, interference);
  LaneTimes whole = most;
  whole += one * static_cast<double>(program.micro_batches - kPlayed);
  return whole;
}

}  // namespace foreshard
