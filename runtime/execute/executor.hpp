#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "planner/program/schedule/timeline.hpp"
#include "planner/units/quantity.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/comm/operation_note.hpp"
#include "runtime/device/device.hpp"
#include "runtime/execute/rank_plan.hpp"
#include "runtime/execute/route_record.hpp"
#include "runtime/shard/token_source.hpp"

namespace foreshard {

/// Is called after each operation of a step, with the operation's index in RankPlan::ops(). For tests and
/// verification; steps that are measured run without an observer.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void after(std::size_t position) = 0;
};

/// Runs a rank's step, operation by operation in the order of RankPlan::ops(). Kernels run on the device. Transfers, and
/// collectives if the communicator supports it, are asynchronous: they start when they are reached, and the
/// executor waits for them before an operation touches their memory. Other collectives block. Times are
/// measured by the device. Allocates nothing while a step runs.
class Executor {
 public:
  /// @pre device and communicator are those of the plan; all outlive the executor
  /// @param note  where the executor records its current operation, for error messages and the watchdog; may
  /// be null
  Executor(RankPlan& plan, Device& device, Communicator& communicator, OperationNote* note = nullptr);

  [[nodiscard]] Device& device() { return device_; }
  /// The source of the tokens and labels that the step reads.
  [[nodiscard]] TokenSource& tokens() { return tokens_; }

  /// Sets weights, master weights and moments to their initial values, and the optimizer to its first step.
  void initialize();
  /// The same, but fills the weights with a short sequence of small random numbers, repeated. For timing
  /// only: drawing billions of initial weights would take the host minutes.
  void initialize_for_timing();

  /// From now on, sends tokens to the experts of a recorded run of the whole batch, instead of the router's
  /// choice. `record` must live until the next call or the end of the executor.
  void replay(const RouteRecord* record) { replayed_ = record; }
  /// From now on, sends tokens to experts by planned_routes(), instead of the router's choice. For timing,
  /// where the weights are not those of a model.
  void route_as_planned();
  /// Number of tokens of this rank, summed over layers, for which the router had chosen other experts.
  [[nodiscard]] std::int64_t tokens_rerouted() const { return rerouted_; }

  /// Runs one step with its optimizer update. Returns this rank's term of the mean loss: the loss summed over
  /// its micro-batches and tokens, divided by the number of all tokens of the step. The sum of these terms
  /// over the data-parallel ranks of the last stage is the mean loss.
  double run_step(StepObserver* observer = nullptr);

  /// Runs the operations of one block call alone, outside a step, to measure their time. Transfers are
  /// skipped, and the inputs are not what the rest of the step would have computed.
  /// @pre all members of the groups of its collectives do the same
  void run_alone(std::size_t run);

  /// Reports start and end of the last step's operations on this rank, relative to the start of the first
  /// one. Kernels and collectives are reported from start to end, received transfers from the posting of the
  /// receive to arrival.
  void report(TimelineSink& sink) const;
  /// The last time that the operation at this index of RankPlan::ops() took.
  [[nodiscard]] Seconds time_of(std::size_t position) const;
  /// From the first operation's start to the last one's end.
  [[nodiscard]] Seconds step_time() const;
  /// Time in the last step during which this rank waited for transfers.
  [[nodiscard]] Seconds waited() const;
  /// Time in the last step during which this rank waited for asynchronous collectives.
  [[nodiscard]] Seconds not_hidden() const;
  /// Time in the last step outside all operations and waits: the executor's overhead.
  [[nodiscard]] Seconds overhead() const;

 private:
  using Nanoseconds = std::int64_t;
  struct Stamp {
    Nanoseconds start = 0;
    Nanoseconds end = 0;
  };

  void start_optimizer();
  void run_op(std::size_t position);
  void run_calls(const PlannedOp& op);
  void run_kernels(const PlanRange& calls);
  void share_routes(const RoutedTokens& routed);
  void replay_routes(const RoutedTokens& routed);
  void begin_calls(std::size_t position);
  void take_off(std::uint32_t flight, Ticket ticket);
  void wait_for(std::uint32_t flight);
  void read_clock(std::size_t position);
  void read_waits();
  void fill(const InputFill& input);

  RankPlan& plan_;
  Device& device_;
  Communicator& communicator_;
  OperationNote* note_;
  TokenSource tokens_;
  std::vector<double> scratch_;  // token ids of one micro-batch
  std::vector<double> routes_;   // of one micro-batch; grows in the first step only
  std::vector<double> logits_;   // likewise; only used if routes are replayed
  const RouteRecord* replayed_ = nullptr;
  std::int64_t rerouted_ = 0;
  std::vector<double> planned_;  // routes of every micro-batch; if empty, the router chooses
  std::unique_ptr<DeviceClock> clock_;
  std::vector<Stamp> stamps_;    // by position
  std::vector<Ticket> tickets_;  // by flight
  std::vector<bool> flying_;     // by flight
  std::size_t in_flight_ = 0;
  Nanoseconds waited_ = 0;      // waits for transfers in the last step
  Nanoseconds not_hidden_ = 0;  // waits for asynchronous collectives in the last step
};

}  // namespace foreshard
