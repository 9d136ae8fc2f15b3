#include "runtime/study/validate.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
#include "runtime/study/group_times.hpp"
#include "runtime/study/machine_words.hpp"
#include "runtime/study/require_memory.hpp"
#include "runtime/study/run_device.hpp"
#include "runtime/verify/counting_device.hpp"
#include "runtime/verify/sharding_check.hpp"
#include "runtime/verify/step_counts.hpp"

namespace foreshard {
namespace {

class ValidationRun {
 public:
  ValidationRun(MpiSession& session, const JobSpec& job, const ValidationOptions& options)
      : session_(session),
        job_(job),
        options_(options),
        mesh_(job.parallelism),
        program_(build_step_program(job)),
        groups_(op_groups(program_)),
        device_owner_(make_device(session, job.cluster.accelerator, options.threads)),
        device_(*device_owner_),
        communicator_owner_(make_communicator(session, job, mesh_, device_)),
        communicator_(*communicator_owner_) {}

  Validation run() {
    check_memory();
    session_.watch(mesh_, options_.timeout);
    Validation result;
    describe_machine(result);
    // The checks run one after the other, so that only one of them needs memory at a time.
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
    result.machine = machine_words(session_, device_, communicator_);
    if (const auto remark =
            oversubscription_remark(session_.local_ranks(), session_.host_cores(), session_.host()))
      result.remarks.push_back(*remark);
    if (const auto remark = shared_gpu_remark(session_, job_)) result.remarks.push_back(*remark);
  }

  void tell(const std::string& what, std::int64_t done, std::int64_t of) const {
    if (options_.progress) options_.progress(what, done, of);
  }

  NumericsCheck check_numerics() {
    tell("comparing with the unsharded run", 0, 1);
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
           tell("running steps", done, of);
         }});
    std::optional<Timeline> timeline;
    if (options_.timelines) timeline = record(executor, plan);

    const bool needs_replay = options_.basis == Basis::replay || options_.both;
    const bool needs_model = options_.basis == Basis::model || options_.both;
    OpTimes replayed;
    OpTimes modelled;
    if (needs_replay) {
      tell("timing operations", 0, 1);
      replayed = replay_times(executor, plan, communicator_);
      session_.note().idle();
    }
    if (needs_model) modelled = price_operations(program_, CostModel(job_));
    const OpTimes& times = options_.basis == Basis::replay ? replayed : modelled;

    fill(result, measured, times);
    if (options_.both) {
      const OpTimes& other = options_.basis == Basis::replay ? modelled : replayed;
      result.other_step = options_.predict(job_, program_, other).time;
    }
    if (timeline) options_.timelines(program_, times, *timeline);
  }

  Timeline record(const Executor& executor, const RankPlan& plan) {
    Timeline timeline;
    MpiCommunicator wide(session_, mesh_);
    report_all_stages(executor, plan, wide, timeline);
    return timeline;
  }

  void fill(Validation& result, const StepMeasurement& measured, const OpTimes& times) {
    const PredictedStep predicted_step = options_.predict(job_, program_, times);
    result.basis = options_.basis;
    result.steps = options_.steps;
    result.tolerance = options_.tolerance;
    result.step = {predicted_step.time, measured.step.median, measured.step.spread};
    result.waiting = {predicted_step.waiting, measured.waiting.median, measured.waiting.spread};
    if (measured.exposed)
      result.exposed = {predicted_step.exposed, measured.exposed->median, measured.exposed->spread};
    result.overhead = {Seconds(), measured.overhead.median, measured.overhead.spread};
    const std::vector<Seconds> predicted = predict_groups(times);
    for (std::size_t g = 0; g < groups_.groups.size(); ++g) {
      const OpGroup& group = groups_.groups[g];
      if (group.kind == "send" || group.kind == "recv") continue;  // counted as waiting
      result.rows.push_back({group, {predicted[g], measured.groups[g].median, measured.groups[g].spread}});
    }
  }

  /// The time of each group's operations in a step, mean over the stages.
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
  DeviceMesh mesh_;
  StepProgram program_;
  OpGroups groups_;
  std::unique_ptr<Device> device_owner_;
  Device& device_;
  std::unique_ptr<Communicator> communicator_owner_;
  Communicator& communicator_;
};

}  // namespace

Validation validate_job(MpiSession& session, const JobSpec& job, const ValidationOptions& options) {
  return ValidationRun(session, job, options).run();
}

}  // namespace foreshard
