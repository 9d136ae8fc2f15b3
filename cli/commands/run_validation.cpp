#include "cli/commands/run_validation.hpp"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "cli/commands/group_times.hpp"
#include "cli/commands/run_device.hpp"
#include "cli/commands/run_job.hpp"
#include "cli/files/output_file.hpp"
#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/cost/step/lane_player.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/before_run.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/measure/measure_steps.hpp"
#include "runtime/measure/replay.hpp"
#include "runtime/verify/counting_device.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "runtime/verify/step_counts.hpp"
#include "sim/step/simulate_step.hpp"
#include "sim/trace/chrome_trace.hpp"

namespace foreshard::cli {
namespace {

class Run {
 public:
  Run(MpiSession& session, const JobSpec& job, const ValidationOptions& options, Progress& progress)
      : session_(session),
        job_(job),
        options_(options),
        progress_(progress),
        mesh_(job.parallelism),
        program_(build_step_program(job)),
        groups_(op_groups(program_)),
        device_owner_(make_device(session, job.cluster.accelerator, options.threads)),
        device_(*device_owner_),
        communicator_owner_(make_communicator(session, job, mesh_, device_)),
        communicator_(*communicator_owner_) {
    // Opened now: what cannot be written is to be said before the run, not after it.
    if (!options.trace.empty() && session.rank() == Rank(0))
      trace_file_ = std::make_unique<OutputFile>(options.trace, compression_for(options.trace));
  }

  Validation run() {
    check_memory();
    session_.watch(mesh_, options_.timeout);
    Validation result;
    describe_machine(result);
    // One after the other, so that only one of them needs memory at a time.
    if (options_.numerics) result.numerics = check_numerics();
    count(result);
    measure(result);
    return result;
  }

 private:
  void check_memory() const {
    Bytes bytes = memory_report(job_, program_).peak;
    if (options_.numerics) {
      const JobSpec whole = unsharded(job_);
      bytes += memory_report(whole, build_step_program(whole)).peak;
    }
    require_memory(session_, bytes);
  }

  void describe_machine(Validation& result) const {
    result.machine = fmt::format("{} rank{} of {} ({}), {}", session_.size(), session_.size() == 1 ? "" : "s",
                                 session_.host(), device_.name(), communicator_.name());
    if (const auto remark =
            oversubscription_remark(session_.local_ranks(), session_.host_cores(), session_.host()))
      result.remarks.push_back(*remark);
    if (const auto remark = shared_gpu_remark(session_, job_)) result.remarks.push_back(*remark);
  }

  NumericsCheck check_numerics() {
    progress_.update("comparing with the unsharded run", 0, 1);
    const ShardingErrors errors = compare_with_unsharded(job_, device_, communicator_, 1);
    return {.loss = errors.loss,
            .outputs = errors.outputs,
            .gradients = errors.gradients,
            .gradients_compared = errors.gradients_compared,
            .bound = outputs_bound(job_),
            .gradients_bound = gradients_bound(job_),
            .tokens_rerouted = errors.tokens_rerouted};
  }

  void count(Validation& result) {
    CountingDevice device(device_);
    CountingCommunicator communicator(communicator_);
    RankPlan plan(program_, device, communicator);
    Executor executor(plan, device, communicator, &session_.note());
    executor.initialize();
    device.reset();
    executor.run_step();
    result.counts = check_counts(plan, device, communicator, memory_report(job_, program_));
    result.arena = Bytes(static_cast<std::int64_t>(
        communicator_.max_over_world(static_cast<double>(plan.layout().capacity()))));
  }

  void measure(Validation& result) {
    RankPlan plan(program_, device_, communicator_);
    Executor executor(plan, device_, communicator_, &session_.note());
    executor.initialize();
    const StepMeasurement measured = measure_steps(
        executor, plan, communicator_, groups_,
        {.warm_up = options_.warm_up, .steps = options_.steps, .progress = [&](int done, int of) {
           progress_.update("running steps", done, of);
         }});
    std::unique_ptr<Timeline> timeline = options_.trace.empty() ? nullptr : record(executor, plan);

    const bool needs_replay = options_.basis == Basis::replay || options_.both;
    const bool needs_model = options_.basis == Basis::model || options_.both;
    OpTimes replayed;
    OpTimes modelled;
    if (needs_replay) {
      progress_.update("timing operations", 0, 1);
      replayed = replay_times(executor, plan, communicator_);
      session_.note().idle();
    }
    if (needs_model) modelled = price_operations(program_, CostModel(job_));
    const OpTimes& times = options_.basis == Basis::replay ? replayed : modelled;

    fill(result, measured, times, timeline.get());
    if (options_.both) {
      NoTimeline nothing;
      const OpTimes& other = options_.basis == Basis::replay ? modelled : replayed;
      result.other_step = simulate_step(program_, other, nothing).step_time.seconds();
    }
  }

  std::unique_ptr<Timeline> record(const Executor& executor, const RankPlan& plan) {
    auto timeline = std::make_unique<Timeline>();
    MpiCommunicator wide(session_, mesh_);
    report_all_stages(executor, plan, wide, *timeline);
    return timeline;
  }

  void fill(Validation& result, const StepMeasurement& measured, const OpTimes& times,
            const Timeline* timeline) {
    const SimulationResult simulated = simulate(times, timeline);
    result.basis = options_.basis;
    result.steps = options_.steps;
    result.tolerance = options_.tolerance;
    result.step = {simulated.step_time.seconds(), measured.step.median, measured.step.spread};
    result.waiting = {waiting_of(simulated), measured.waiting.median, measured.waiting.spread};
    if (measured.exposed)
      result.exposed = {exposed_of(simulated), measured.exposed->median, measured.exposed->spread};
    result.overhead = {Seconds(), measured.overhead.median, measured.overhead.spread};
    const std::vector<Seconds> predicted = predict_groups(times);
    for (std::size_t g = 0; g < groups_.groups.size(); ++g) {
      const OpGroup& group = groups_.groups[g];
      if (group.kind == "send" || group.kind == "recv") continue;  // counted as waiting
      result.rows.push_back({group, {predicted[g], measured.groups[g].median, measured.groups[g].spread}});
    }
  }

  SimulationResult simulate(const OpTimes& times, const Timeline* measured) {
    // A rank without a trace to write simulates all the same: every rank has the same figures.
    if (trace_file_ == nullptr) {
      NoTimeline nothing;
      return simulate_step(program_, times, nothing);
    }
    ChromeTrace trace(trace_file_->stream(), program_, {.title = "predicted"});
    SimulationResult result = simulate_step(program_, times, trace);
    trace.begin_another("measured");
    for (const Span& span : measured->spans()) trace.add(span);
    trace.finish();
    trace_file_->finish();
    return result;
  }

  /// The mean over stages of what a rank waits for others.
  [[nodiscard]] static Seconds waiting_of(const SimulationResult& simulated) {
    Seconds sum;
    for (const RankResult& stage : simulated.ranks)
      sum += stage.bubble.seconds() + stage.exposed[static_cast<std::size_t>(CommAxis::pp)].seconds();
    return sum / static_cast<double>(simulated.ranks.size());
  }

  /// The mean over stages of collectives that no kernel hides.
  [[nodiscard]] static Seconds exposed_of(const SimulationResult& simulated) {
    Seconds sum;
    for (const RankResult& stage : simulated.ranks) {
      for (const CommAxis axis : {CommAxis::tp, CommAxis::dp, CommAxis::cp, CommAxis::ep})
        sum += stage.exposed[static_cast<std::size_t>(axis)].seconds();
    }
    return sum / static_cast<double>(simulated.ranks.size());
  }

  /// What each group's operations take in a step on the rank of an average stage.
  [[nodiscard]] std::vector<Seconds> predict_groups(const OpTimes& times) const {
    std::vector<Seconds> sums(groups_.groups.size());
    for (std::size_t stage = 0; stage < program_.stages.size(); ++stage) {
      const std::vector<Seconds> own = group_times(program_, groups_, times, StageId(stage));
      for (std::size_t g = 0; g < sums.size(); ++g) sums[g] += own[g];
    }
    for (Seconds& sum : sums) sum /= static_cast<double>(program_.stages.size());
    return sums;
  }

  MpiSession& session_;
  const JobSpec& job_;
  const ValidationOptions& options_;
  Progress& progress_;
  DeviceMesh mesh_;
  StepProgram program_;
  OpGroups groups_;
  std::unique_ptr<Device> device_owner_;
  Device& device_;
  std::unique_ptr<Communicator> communicator_owner_;
  Communicator& communicator_;
  std::unique_ptr<OutputFile> trace_file_;  // on rank 0, if asked for
};

}  // namespace

Validation run_validation(MpiSession& session, const JobSpec& job, const ValidationOptions& options,
                          Progress& progress) {
  return Run(session, job, options, progress).run();
}

}  // namespace foreshard::cli
