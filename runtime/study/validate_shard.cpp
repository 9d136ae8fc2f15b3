#include <cstdint>
#include <memory>
#include <vector>

#include <fmt/format.h>

#include "planner/cost/memory/memory_ledger.hpp"
#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/build/build_step_program.hpp"
#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/solo_communicator.hpp"
#include "runtime/execute/executor.hpp"
#include "runtime/measure/measure_steps.hpp"
#include "runtime/measure/op_samples.hpp"
#include "runtime/study/group_times.hpp"
#include "runtime/study/require_memory.hpp"
#include "runtime/study/run_device.hpp"
#include "runtime/study/validate.hpp"
#include "runtime/verify/counting_device.hpp"
#include "runtime/verify/step_counts.hpp"

namespace foreshard {
namespace {

class ShardRun {
 public:
  ShardRun(MpiSession& session, const JobSpec& job, Rank rank, const ValidationOptions& options)
      : session_(session),
        job_(job),
        options_(options),
        mesh_(job.parallelism),
        rank_(rank),
        program_(build_step_program(job)),
        groups_(op_groups(program_)),
        device_(make_device(session, job.cluster.accelerator, options.threads)),
        communicator_(mesh_, rank, *device_),
        memory_(memory_report(job, program_)),
        predicted_(price_operations(program_, CostModel(job))) {}

  Validation run() {
    require_memory(session_, memory_.stages[stage().at()].peak);
    Validation result;
    result.machine = fmt::format("{} ({})", session_.host(), device_->name());
    result.shard = ShardView{rank_.value(), mesh_.devices(), stage().value()};
    result.basis = Basis::model;
    result.steps = options_.steps;
    result.tolerance = options_.tolerance;
    if (job_.model.experts)
      result.remarks.push_back("tokens go to experts as the plan has them, not as the router finds");
    count(result);
    measure(result);
    return result;
  }

 private:
  [[nodiscard]] StageId stage() const { return mesh_.stage(rank_); }

  /// Initializes weights for timing and routes tokens as planned: a router with random weights says nothing
  /// about the routing of a trained one.
  void initialize(Executor& executor) const {
    executor.initialize_for_timing();
    if (job_.model.experts) executor.route_as_planned();
  }

  void count(Validation& result) {
    CountingDevice device(*device_);
    CountingCommunicator communicator(communicator_);
    RankPlan plan(program_, device, communicator);
    Executor executor(plan, device, communicator, &session_.note());
    initialize(executor);
    device.reset();
    executor.run_step();
    result.counts = check_counts(plan, device, communicator, memory_);
    result.arena = Bytes(plan.layout().capacity());
  }

  void measure(Validation& result) {
    RankPlan plan(program_, *device_, communicator_);
    Executor executor(plan, *device_, communicator_, &session_.note());
    initialize(executor);
    OpSamples samples(program_);
    const auto after_step = [&](int done, int of) {
      if (options_.progress) options_.progress("running steps", done, of);
      if (done > options_.warm_up) executor.report(samples);
    };
    const StepMeasurement measured =
        measure_steps(executor, plan, communicator_, groups_,
                      {.warm_up = options_.warm_up, .steps = options_.steps, .progress = after_step});
    fill(result, measured, with_measured_kernels(samples));
  }

  /// The times of all operations: measured where they were measured, else predicted.
  [[nodiscard]] OpTimes with_measured_kernels(const OpSamples& samples) const {
    OpTimes times = predicted_;
    for (std::size_t block = 0; block < times.size(); ++block) {
      for (std::size_t op = 0; op < times[block].size(); ++op) {
        const std::vector<Seconds>& taken = samples.of(block, op);
        if (!taken.empty() && !is_communication(program_.blocks[block].ops[op]))
          times[block][op].time = measured_time(taken).median;
      }
    }
    return times;
  }

  void fill(Validation& result, const StepMeasurement& measured, const OpTimes& times) {
    const Seconds predicted_step = options_.predict(job_, program_, predicted_).time;
    const Seconds step = options_.predict(job_, program_, times).time;
    result.step = {predicted_step, step + measured.overhead.median, measured.step.spread};
    result.overhead = {Seconds(), measured.overhead.median, measured.overhead.spread};
    const std::vector<Seconds> predicted = group_times(program_, groups_, predicted_, stage());
    for (std::size_t g = 0; g < groups_.groups.size(); ++g) {
      const OpGroup& group = groups_.groups[g];
      if (group.is_communication && predicted[g] > Seconds(0.0)) {
        result.rows.push_back({group, {predicted[g], {}, {}}, false});
      } else if (!group.is_communication) {
        result.rows.push_back({group, {predicted[g], measured.groups[g].median, measured.groups[g].spread}});
      }
    }
  }

  MpiSession& session_;
  const JobSpec& job_;
  const ValidationOptions& options_;
  DeviceMesh mesh_;
  Rank rank_;
  StepProgram program_;
  OpGroups groups_;
  std::unique_ptr<Device> device_;
  SoloCommunicator communicator_;
  MemoryReport memory_;
  OpTimes predicted_;
};

}  // namespace

Validation validate_shard(MpiSession& session, const JobSpec& job, Rank rank,
                          const ValidationOptions& options) {
  return ShardRun(session, job, rank, options).run();
}

}  // namespace foreshard
