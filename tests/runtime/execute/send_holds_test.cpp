// No schedule makes stages wait for each other's sends, where a message leaves only when its receiver has
// asked for it and memory that it leaves from or comes to is not touched before.
#include "runtime/execute/send_holds.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "planner/program/build/build_step_program.hpp"
#include "planner/program/dependencies/wait_rule.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "runtime/execute/arena_layout.hpp"
#include "tests/runtime/verify/sharding_jobs.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

/// One stage of a pipeline that is played: how far it is, and what it has in flight.
class PlayedStage {
 public:
  PlayedStage(const StepProgram& program, std::size_t stage)
      : program_(program),
        runs_(runs_of(program, StageId(stage))),
        ops_(operations_of(program, runs_)),
        layout_(program, StageId(stage), [](DType type) { return type; }) {}

  [[nodiscard]] bool is_done() const { return position_ == ops_.size(); }

  /// Runs operations until one would have to wait. Returns whether any ran.
  bool advance(const PlayedStage& previous, const PlayedStage& next) {
    const std::size_t before = position_;
    while (!is_done() && may_run(previous, next)) {
      begin_transfer();
      ++position_;
    }
    return position_ > before;
  }

 private:
  struct Flight {
    bool is_send = true;
    std::size_t lane = 0;    // its place in kTransferLanes
    std::size_t number = 0;  // on its lane
    std::int64_t begin = 0;
    std::int64_t end = 0;
  };

  static bool goes_next(std::size_t lane) { return kTransferLanes[lane].to == Peer::next_stage; }

  [[nodiscard]] const Op& op() const {
    const OpRun& at = ops_[position_];
    return program_.block(runs_[at.run].block_call.block).ops[at.op.at()];
  }
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> place(const Operand& operand) const {
    const OpRun& at = ops_[position_];
    const Allocation& allocation = layout_.at(instance_of(program_, operand, runs_[at.run], at.run));
    return {allocation.offset, allocation.offset + allocation.bytes};
  }

  bool may_run(const PlayedStage& previous, const PlayedStage& next) {
    for (const Operand& operand : op().operands) {
      const auto [begin, end] = place(operand);
      for (const Flight& flight : flights_) {
        const bool overlaps = begin < flight.end && flight.begin < end;
        if (!overlaps || (flight.is_send && operand.access == Access::read)) continue;
        const PlayedStage& partner = flight.is_send == goes_next(flight.lane) ? next : previous;
        const auto& met = flight.is_send ? partner.received_ : partner.sent_;
        if (met[flight.lane] <= flight.number) return false;
      }
    }
    return true;
  }

  void begin_transfer() {
    const bool sends = std::holds_alternative<Send>(op().kind);
    if (!sends && !std::holds_alternative<Recv>(op().kind)) return;
    const std::size_t lane = transfer_place(op().lane).value();
    const auto [begin, end] = place(op().operands.front());
    flights_.push_back({sends, lane, (sends ? sent_ : received_)[lane]++, begin, end});
  }

  const StepProgram& program_;
  std::vector<Run> runs_;
  std::vector<OpRun> ops_;
  ArenaLayout layout_;
  std::size_t position_ = 0;
  std::vector<Flight> flights_;
  std::array<std::size_t, kTransferLanes.size()> sent_{};
  std::array<std::size_t, kTransferLanes.size()> received_{};
};

bool comes_to_its_end(const JobSpec& job) {
  const StepProgram program = build_step_program(job);
  std::vector<PlayedStage> stages;
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) stages.emplace_back(program, stage);
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (std::size_t s = 0; s < stages.size(); ++s) {
      const PlayedStage& previous = stages[(s + stages.size() - 1) % stages.size()];
      if (stages[s].advance(previous, stages[(s + 1) % stages.size()])) goes_on = true;
    }
  }
  return std::all_of(stages.begin(), stages.end(), [](const PlayedStage& stage) { return stage.is_done(); });
}

TEST_CASE("no schedule makes stages wait for each other") {
  for (const std::int64_t pp : {2, 3, 4}) {
    for (const ScheduleKind schedule :
         {ScheduleKind::gpipe, ScheduleKind::one_f_one_b, ScheduleKind::interleaved,
          ScheduleKind::zero_bubble, ScheduleKind::zero_bubble_2p, ScheduleKind::zb_v,
          ScheduleKind::dualpipe_v}) {
      for (const std::int64_t groups : {1, 2, 4}) {
        for (const Recompute recompute : {Recompute::none, Recompute::full}) {
          if (schedule == ScheduleKind::dualpipe_v && groups < 2) continue;  // it needs more micro-batches
          JobSpec job = sharded(tiny_job(false), {.pp = pp});
          job.model.layers = 12;
          job.training.schedule = schedule;
          job.training.recompute = recompute;
          job.training.global_batch = 2 * pp * groups;
          if (schedule == ScheduleKind::interleaved) job.parallelism.vp = groups == 4 ? 3 : 2;
          if (runs_in_v(schedule)) job.parallelism.vp = 2;
          CAPTURE(pp, static_cast<int>(schedule), groups, static_cast<int>(recompute));
          CHECK(comes_to_its_end(job));
        }
      }
    }
  }
}

TEST_CASE("memory that is sent from is free again when the receiver has answered") {
  // Two stages, one micro-batch each of 1f1b: what stage 0 sends has come when its gradient comes back; what
  // stage 1 sends back is answered by nothing.
  JobSpec job = sharded(tiny_job(false), {.pp = 2});
  job.training.global_batch = 2;
  const StepProgram program = build_step_program(job);
  for (const std::size_t stage : {std::size_t{0}, std::size_t{1}}) {
    const std::vector<Run> runs = runs_of(program, StageId(stage));
    const std::vector<OpRun> ops = operations_of(program, runs);
    std::size_t send = 0;
    std::size_t receive = 0;
    for (std::size_t position = 0; position < ops.size(); ++position) {
      const Op& op = program.block(runs[ops[position].run].block_call.block).ops[ops[position].op.at()];
      if (std::holds_alternative<Send>(op.kind)) send = position;
      if (std::holds_alternative<Recv>(op.kind)) receive = position;
    }
    const auto holds = send_holds(program, StageId(stage));
    REQUIRE(holds.size() == 1);
    CHECK(holds.at(send) == (stage == 0 ? receive : ops.size() - 1));
  }
}

}  // namespace
}  // namespace foreshard::test
