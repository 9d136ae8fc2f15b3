#include "runtime/measure/measure_steps.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace foreshard {
namespace {

/// Combines one step's figures of all ranks.
class Gathering {
 public:
  Gathering(const RankPlan& plan, Communicator& communicator, const OpGroups& groups)
      : plan_(plan), communicator_(communicator), groups_(groups), takes_part_(groups.groups.size(), false) {
    for (const PlannedOp& op : plan.ops()) {
      const BlockId block = plan.runs()[op.at.run].block_call.block;
      takes_part_[groups.group_of[block.at()][op.at.op.at()]] = true;
    }
  }

  /// Whether this rank runs operations of the group.
  [[nodiscard]] bool takes_part(std::size_t group) const { return takes_part_[group]; }

  [[nodiscard]] Seconds mean_over_ranks(Seconds own) const {
    return Seconds(communicator_.sum_over_world(own.value()) / static_cast<double>(communicator_.size()));
  }
  [[nodiscard]] Seconds slowest(Seconds own) const {
    return Seconds(communicator_.max_over_world(own.value()));
  }
  [[nodiscard]] Seconds of_group(std::size_t group, Seconds own) const {
    if (!groups_.groups[group].is_communication) return mean_over_ranks(own);
    if (groups_.groups[group].calls == 0) return Seconds(0.0);
    return groups_.groups[group].spans_stages ? fastest(group, own) : mean_of_fastest(own);
  }
  /// The fastest of the ranks that took part.
  [[nodiscard]] Seconds fastest(std::size_t group, Seconds own) const {
    return Seconds(-communicator_.max_over_world(takes_part(group) ? -own.value() : -kNever));
  }

 private:
  static constexpr double kNever = std::numeric_limits<double>::max();

  [[nodiscard]] Seconds mean_of_fastest(Seconds own) const {
    const std::size_t stages = plan_.program().stages.size();
    Seconds sum;
    for (std::size_t stage = 0; stage < stages; ++stage) {
      const bool here = plan_.stage().at() == stage;
      sum += Seconds(-communicator_.max_over_world(here ? -own.value() : -kNever));
    }
    return sum / static_cast<double>(stages);
  }

  const RankPlan& plan_;
  Communicator& communicator_;
  const OpGroups& groups_;
  std::vector<bool> takes_part_;  // by group
};

/// Times of this rank's operations, by group. Transfers are left out: they run in the background.
std::vector<Seconds> own_times(const Executor& executor, const RankPlan& plan, const OpGroups& groups) {
  std::vector<Seconds> times(groups.groups.size());
  for (std::size_t position = 0; position < plan.ops().size(); ++position) {
    const PlannedOp& op = plan.ops()[position];
    if (op.kind == PlannedOp::Kind::transfer) continue;
    const BlockId block = plan.runs()[op.at.run].block_call.block;
    times[groups.group_of[block.at()][op.at.op.at()]] += executor.time_of(position);
  }
  return times;
}

/// This rank's exposed communication: blocking collectives, and the waits for asynchronous ones.
Seconds own_exposed(const Executor& executor, const RankPlan& plan) {
  Seconds exposed = executor.not_hidden();
  for (std::size_t position = 0; position < plan.ops().size(); ++position) {
    if (plan.ops()[position].kind == PlannedOp::Kind::collective) exposed += executor.time_of(position);
  }
  return exposed;
}

bool runs_asynchronously(const RankPlan& plan, Communicator& communicator) {
  const bool some = std::any_of(plan.ops().begin(), plan.ops().end(),
                                [](const PlannedOp& op) { return op.kind == PlannedOp::Kind::beside; });
  return communicator.max_over_world(some ? 1.0 : 0.0) > 0.5;
}

}  // namespace

StepMeasurement measure_steps(Executor& executor, const RankPlan& plan, Communicator& communicator,
                              const OpGroups& groups, const MeasurementPlan& how) {
  const Gathering gathering(plan, communicator, groups);
  std::vector<Seconds> steps;
  std::vector<Seconds> waits;
  std::vector<Seconds> exposed;
  std::vector<Seconds> overheads;
  std::vector<std::vector<Seconds>> by_group(groups.groups.size());
  for (int step = -how.warm_up; step < how.steps; ++step) {
    communicator.barrier();
    executor.run_step();
    if (how.progress) how.progress(how.warm_up + step + 1, how.warm_up + how.steps);
    if (step < 0) continue;
    steps.push_back(gathering.slowest(executor.step_time()));
    exposed.push_back(gathering.mean_over_ranks(own_exposed(executor, plan)));
    overheads.push_back(gathering.mean_over_ranks(executor.overhead()));
    const std::vector<Seconds> own = own_times(executor, plan, groups);
    Seconds waited = executor.waited();
    for (std::size_t g = 0; g < own.size(); ++g) {
      by_group[g].push_back(gathering.of_group(g, own[g]));
      // In a collective across stages, every rank but the last one to arrive waits.
      if (groups.groups[g].spans_stages && gathering.takes_part(g)) waited += own[g] - by_group[g].back();
    }
    waits.push_back(gathering.mean_over_ranks(waited));
  }
  StepMeasurement result{.step = measured_time(std::move(steps)),
                         .groups = {},
                         .waiting = measured_time(std::move(waits)),
                         .exposed = {},
                         .overhead = measured_time(std::move(overheads))};
  if (runs_asynchronously(plan, communicator)) result.exposed = measured_time(std::move(exposed));
  for (std::vector<Seconds>& samples : by_group) result.groups.push_back(measured_time(std::move(samples)));
  return result;
}

namespace {

/// Keeps spans in the order in which they were reported.
class SpanList final : public TimelineSink {
 public:
  void add(const Span& span) override { spans.push_back(span); }
  void add(const MemorySample&) override {}
  std::vector<Span> spans;
};

}  // namespace

void report_all_stages(const Executor& executor, const RankPlan& plan, Communicator& wide,
                       TimelineSink& sink) {
  SpanList own;
  executor.report(own);
  // Starts and ends of every rank, padded to the longest list. A double represents a step's picoseconds
  // exactly.
  const auto longest = static_cast<std::size_t>(wide.max_over_world(static_cast<double>(own.spans.size())));
  std::vector<double> mine(2 * longest, 0.0);
  for (std::size_t i = 0; i < own.spans.size(); ++i) {
    mine[2 * i] = static_cast<double>(own.spans[i].start);
    mine[2 * i + 1] = static_cast<double>(own.spans[i].end);
  }
  const auto ranks = static_cast<std::size_t>(wide.size());
  std::vector<double> all(mine.size() * ranks);
  const auto buffer_of = [](std::vector<double>& numbers) {
    return Buffer{reinterpret_cast<std::byte*>(numbers.data()), static_cast<std::int64_t>(numbers.size()),
                  DType::fp64};
  };
  if (ranks == 1) {
    all = mine;
  } else {
    const Piece piece{.send = buffer_of(mine), .receive = buffer_of(all)};
    wide.run({.kind = CollectiveKind::all_gather, .group = GroupKind::world, .pieces = {&piece, 1}});
  }

  const DeviceMesh mesh = mesh_of(plan.program());
  const StepProgram& program = plan.program();
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    const Rank rank = mesh.rank({.pp = static_cast<std::int64_t>(s)});
    const double* times = &all[rank.at() * mine.size()];
    const std::vector<Run> runs = runs_of(program, StageId(s));
    std::size_t i = 0;
    for (const OpRun& at : operations_of(program, runs)) {
      const Run& run = runs[at.run];
      sink.add(Span{.stage = StageId(s),
                    .lane = program.block(run.block_call.block).ops[at.op.at()].lane,
                    .block = run.block_call.block,
                    .op = at.op,
                    .layer = run.block_call.layer,
                    .chunk = run.chunk,
                    .micro_batch = run.micro_batch,
                    .start = static_cast<Picoseconds>(times[2 * i]),
                    .end = static_cast<Picoseconds>(times[2 * i + 1])});
      ++i;
    }
  }
}

}  // namespace foreshard
