#include "sim/step/stage_script.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>

#include "planner/program/dependencies/wait_rule.hpp"
#include "sim/step/instance_table.hpp"
#include "sim/step/merge_kernels.hpp"
#include "sim/step/task_label.hpp"

namespace foreshard {

namespace {

/// The duration of piece `piece` of `pieces`; all pieces add up exactly to `duration`.
SimTime part_of(SimTime duration, std::int32_t piece, std::int32_t pieces) {
  const auto upto = [&](std::int32_t n) {
    return static_cast<std::int64_t>(static_cast<Int128>(duration.picoseconds()) * n / pieces);
  };
  return SimTime(upto(piece + 1) - upto(piece));
}

/// Number of runs written beyond those that could start. When a lane ends its last task that can start, the
/// next one must already be written, or the lane would not register what it waits for.
constexpr std::size_t kRunsBeyond = 64;
/// Number of runs written in one call.
constexpr std::size_t kRunsAtOnce = 256;

}  // namespace

/// Goes through a stage's runs in the order in which its host issues them and records what each operation
/// waits for.
class ScriptWriter::Impl {
  /// What an operation waits for: for each lane of its rank, the number of tasks that must have ended.
  struct Needs {
    std::array<std::uint32_t, kRankLanes> count{};
    void need(RankLane lane, std::uint32_t tasks) {
      if (tasks > count[lane]) count[lane] = tasks;
    }
  };

 public:
  Impl(const StepProgram& program, const ProgramPlan& plan, StageId stage, const ScriptOptions& options)
      : plan_(plan), options_(options), known_(kRankLanes) {
    script_.runs = runs_of(program, stage);
    instances_.emplace(plan, script_.runs);
    order_.emplace(script_.runs.size(), static_cast<std::size_t>(plan.most_blocks_early));
    count_tasks();
    if (options_.merge_kernels && tasks_[kComputeLane] <= ScriptOptions::kMostMerged) {
      write_all();
      merge_kernels(plan_, script_);
      for (RankLane lane = 0; lane < kRankLanes; ++lane) tasks_[lane] = script_.lanes[lane].size();
    }
  }

  [[nodiscard]] const StageScript& script() const { return script_; }
  [[nodiscard]] const std::array<std::uint64_t, kRankLanes>& tasks() const { return tasks_; }
  [[nodiscard]] bool is_due(std::uint32_t kernels_ended) const {
    return !is_complete() && !is_ahead(kernels_ended, 0);
  }
  void write_ahead(std::uint32_t kernels_ended) {
    while (!is_complete() && !is_ahead(kernels_ended, kRunsAtOnce)) write_run();
  }
  void write_all() {
    while (!is_complete()) write_run();
  }
  void drop_before(RankLane lane, std::uint32_t ordinal) { script_.lanes[lane].drop_before(ordinal); }

  // ---- the interface that IssueOrder needs of a rank

  [[nodiscard]] std::uint32_t operations(std::size_t run) const {
    const std::size_t block = script_.runs[run].block_call.block.at();
    return plan_.first_op[block + 1] - plan_.first_op[block];
  }
  [[nodiscard]] std::int32_t prefetch_blocks(std::size_t run, std::uint32_t op) const {
    return plan_.ops[op_of(run, op)].blocks_early;
  }
  [[nodiscard]] Queue queue(std::size_t run, std::uint32_t op) const {
    return plan_.ops[op_of(run, op)].lane;
  }
  [[nodiscard]] bool is_in_turns(std::size_t run) const { return script_.runs[run].in_turns; }
  void issue(std::size_t run, std::uint32_t op) { issue_op(run, op_of(run, op)); }

  /// True if an operation of run `later` writes a tensor instance that a run from `now` to `later` − 1 still
  /// uses.
  [[nodiscard]] bool is_in_use(std::size_t now, std::size_t later, std::uint32_t op) const {
    const std::vector<Run>& runs = script_.runs;
    for (const SharedOperand& written : plan_.operands_of(plan_.ops[op_of(later, op)])) {
      if (written.access == Access::read) continue;
      const InstanceTable::Key target = instances_->key(written, runs[later], later);
      for (std::size_t run = now; run < later; ++run) {
        for (const SharedOperand& other : plan_.operands_of_block(runs[run].block_call.block)) {
          if (other.tensor == written.tensor && instances_->key(other, runs[run], run) == target) return true;
        }
      }
    }
    return false;
  }

 private:
  [[nodiscard]] bool is_complete() const { return kernels_by_run_.size() == script_.runs.size(); }

  /// True if the next run to write comes at least kRunsBeyond + `more` runs after the first run that cannot
  /// start yet. Tasks of run r cannot start before the kernels of run r − blocks_ahead have ended.
  [[nodiscard]] bool is_ahead(std::uint32_t kernels_ended, std::size_t more) const {
    const std::size_t written = kernels_by_run_.size();
    const std::size_t distance = options_.blocks_ahead + kRunsBeyond + more;
    return written >= distance && kernels_by_run_[written - distance] > kernels_ended;
  }

  void write_run() {
    issuing_ = kernels_by_run_.size();
    const std::size_t runs = order_->issue_run(*this, issuing_);
    kernels_by_run_.insert(kernels_by_run_.end(), runs, issued(kComputeLane));
  }

  void count_tasks() {
    for (const Run& run : script_.runs) {
      const std::size_t block = run.block_call.block.at();
      for (std::uint32_t op = plan_.first_op[block]; op < plan_.first_op[block + 1]; ++op) {
        const OpPlan& plan = plan_.ops[op];
        tasks_[plan.lane] += static_cast<std::uint64_t>(plan.pieces);
        if (plan.is_host_point) ++tasks_[kHostLane];
        if (plan.stops_host) ++tasks_[kHostLane];
      }
    }
  }

  /// Number of tasks written for a lane so far.
  [[nodiscard]] std::uint32_t issued(RankLane lane) const { return script_.lanes[lane].size(); }

  /// The index into ProgramPlan::ops of an operation of a run.
  [[nodiscard]] std::uint32_t op_of(std::size_t run, std::uint32_t op) const {
    return plan_.first_op[script_.runs[run].block_call.block.at()] + op;
  }

  void issue_op(std::size_t run, std::uint32_t op) {
    const OpPlan& plan = plan_.ops[op];
    collect_needs(run, plan);
    if (plan.is_host_point) issue_by_host(run, op);
    if (plan.holds_former) holds_.need(plan.lane, issued(plan.lane));
    add_tasks(run, op);
    if (plan.operands > 0) note_uses(run, plan);
    if (plan.stops_host) stop_host(run, op);
    if (plan.blocks_compute) holds_.need(plan.lane, issued(plan.lane));
  }

  void collect_needs(std::size_t run, const OpPlan& op) {
    needs_ = {};
    needs_of_pieces_ = {};
    for (const SharedOperand& operand : plan_.operands_of(op)) {
      const LastUses& uses = instances_->find(operand, script_.runs[run], run);
      const bool piece_by_piece = op.pieces > 1 && uses.pieces == op.pieces;
      (piece_by_piece ? needs_of_pieces_ : needs_).need(uses.writer, uses.written);
      if (!waits_for_readers(operand.access)) continue;
      for (std::uint32_t lanes = uses.reading; lanes != 0; lanes &= lanes - 1) {
        const auto lane = static_cast<RankLane>(std::countr_zero(lanes));
        needs_.need(lane, uses.read[lane]);
      }
    }
    if (op.after_compute) needs_.need(kComputeLane, issued(kComputeLane));
    if (op.lane == kComputeLane) {
      for (RankLane lane = 0; lane < kRankLanes; ++lane) needs_.need(lane, holds_.count[lane]);
      holds_ = {};
    }
  }

  /// Adds the host's task that issues everything up to a host point, which waits for its end.
  void issue_by_host(std::size_t run, std::uint32_t op) {
    Needs room;
    if (issuing_ >= options_.blocks_ahead)
      room.need(kComputeLane, kernels_by_run_[issuing_ - options_.blocks_ahead]);
    add(kHostLane, {.duration = plan_.ops[op].host, .label = TaskLabel{.op = op}.packed()}, run, room);
    needs_.need(kHostLane, issued(kHostLane));
  }

  /// Adds the host's task that waits until a tensor has been written.
  void stop_host(std::size_t run, std::uint32_t op) {
    const LastUses& uses = instances_->find(plan_.ops[op].awaited, script_.runs[run], run);
    Needs written;
    written.need(uses.writer, uses.written);
    add(kHostLane, {.duration = options_.read_back, .label = TaskLabel{.op = op}.packed()}, run, written);
  }

  void add_tasks(std::size_t run, std::uint32_t index) {
    const OpPlan& op = plan_.ops[index];
    for (std::int32_t piece = 0; piece < op.pieces; ++piece) {
      Needs needs = piece == 0 ? needs_ : Needs{};
      for (RankLane lane = 0; lane < kRankLanes; ++lane) {
        if (const std::uint32_t last = needs_of_pieces_.count[lane]; last > 0)
          needs.need(lane, last - static_cast<std::uint32_t>(op.pieces - 1 - piece));
      }
      if (op.lane != kComputeLane && issuing_ >= options_.blocks_ahead)
        needs.need(kComputeLane, kernels_by_run_[issuing_ - options_.blocks_ahead]);
      const TaskLabel label{.op = index, .is_first = piece == 0, .is_last = piece == op.pieces - 1};
      add(op.lane, {.duration = part_of(op.duration, piece, op.pieces), .label = label.packed()}, run, needs);
    }
  }

  /// Adds a task. Waits that an earlier task of the lane already has are left out, because lanes are first-in
  /// first-out.
  void add(RankLane lane, Task task, std::size_t run, const Needs& needs) {
    task.sublabel = static_cast<std::uint32_t>(run);
    std::array<Wait, kRankLanes + 1> waits;
    std::size_t count = 0;
    for (RankLane other = 0; other < kRankLanes; ++other) {
      if (other == lane || needs.count[other] <= known_[lane].count[other]) continue;
      known_[lane].count[other] = needs.count[other];
      waits[count++] = {needs.count[other], other};
    }
    if (is_receive_lane(lane)) {
      const std::size_t sender = kSendsOfPeers + transfer_of(lane).value();
      waits[count++] = {issued(lane) + 1, static_cast<std::uint32_t>(sender)};
    }
    script_.lanes[lane].add(task, std::span(waits).first(count));
  }

  void note_uses(std::size_t run, const OpPlan& op) {
    const std::uint32_t task = issued(op.lane);
    for (const SharedOperand& operand : plan_.operands_of(op)) {
      LastUses& uses = instances_->find(operand, script_.runs[run], run);
      if (operand.access == Access::read) {
        uses.reading |= 1U << op.lane;
        uses.read[op.lane] = task;
      } else {
        uses.reading = 0;
        uses.written = task;
        uses.writer = op.lane;
        uses.pieces = op.pieces;
      }
    }
  }

  const ProgramPlan& plan_;
  const ScriptOptions options_;
  StageScript script_;
  std::array<std::uint64_t, kRankLanes> tasks_{};
  std::optional<InstanceTable> instances_;
  std::size_t issuing_ = 0;  // the run that the host has reached
  std::optional<IssueOrder> order_;
  std::vector<std::uint32_t> kernels_by_run_;  // number of compute tasks up to the end of each run
  std::vector<Needs> known_;                   // by lane: what its tasks so far have waited for
  Needs holds_;                                // communications and copies that the next kernel waits for
  Needs needs_;                                // what the current operation waits for
  Needs needs_of_pieces_;                      // what its last piece waits for, if the writer has as many
};

ScriptWriter::ScriptWriter(const StepProgram& program, const ProgramPlan& plan, StageId stage,
                           const ScriptOptions& options)
    : impl_(std::make_unique<Impl>(program, plan, stage, options)) {}
ScriptWriter::ScriptWriter(ScriptWriter&&) noexcept = default;
ScriptWriter::~ScriptWriter() = default;

const StageScript& ScriptWriter::script() const { return impl_->script(); }
const std::array<std::uint64_t, kRankLanes>& ScriptWriter::tasks() const { return impl_->tasks(); }
bool ScriptWriter::is_due(std::uint32_t kernels_ended) const { return impl_->is_due(kernels_ended); }
void ScriptWriter::write_ahead(std::uint32_t kernels_ended) { impl_->write_ahead(kernels_ended); }
void ScriptWriter::write_all() { impl_->write_all(); }
void ScriptWriter::drop_before(RankLane lane, std::uint32_t ordinal) { impl_->drop_before(lane, ordinal); }

}  // namespace foreshard
