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

/// Looks on while a step runs: called after each operation, whose place in RankPlan::ops() it is told. For
/// tests and verification; a step that is measured has none.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void after(std::size_t position) = 0;
};

/// Runs a rank's step, operation by operation in program order: kernels on the device, collectives when they
/// are reached, transfers (and collectives, where the communicator can) in the background until somebody
/// touches their memory. Times are the device's own.
/// Allocates nothing while a step runs.
class Executor {
 public:
  /// @pre device and communicator are those of the plan; all outlive the executor
  /// @param note  where it says what it is doing, for error messages and the watchdog; or none
  Executor(RankPlan& plan, Device& device, Communicator& communicator, OperationNote* note = nullptr);

  [[nodiscard]] Device& device() { return device_; }
  /// What it reads.
  [[nodiscard]] TokenSource& tokens() { return tokens_; }

  /// Sets weights, masters and moments to what training starts with, and the optimizer to its first step.
  void initialize();
  /// The same with weights of no model, a short stretch of small random numbers again and again: for timing,
  /// where billions of the model's own would take the host minutes.
  void initialize_for_timing();

  /// From now on tokens go to the experts that they went to in the run of the whole batch that was recorded;
  /// `record` outlives the executor or the next call.
  void replay(const RouteRecord* record) { replayed_ = record; }
  /// From now on tokens go to experts as planned_routes() says, whatever the router finds: for timing, where
  /// weights are no model's.
  void route_as_planned();
  /// Tokens of this rank, layer by layer, that would have gone elsewhere.
  [[nodiscard]] std::int64_t tokens_rerouted() const { return rerouted_; }

  /// One step, optimizer included. Returns the loss of this rank's micro-batches, summed over them and over
  /// the tokens, divided by all tokens of the step: the sum over the data-parallel ranks of a last stage is
  /// the mean loss.
  double run_step(StepObserver* observer = nullptr);

  /// Runs the operations of one run of a block alone, outside a step: to see what they take. Transfers are
  /// left out; so is what the rest of the step would have put into memory.
  /// @pre all members of the groups of its collectives do the same
  void run_alone(std::size_t run);

  /// What the last step's operations took on this rank, since its first began: kernels and collectives from
  /// start to end, a transfer that is received from its posting until it was there.
  void report(TimelineSink& sink) const;
  /// What the operation at this place of RankPlan::ops() last took.
  [[nodiscard]] Seconds time_of(std::size_t position) const;
  /// From the first operation's start to the last one's end.
  [[nodiscard]] Seconds step_time() const;
  /// Time in which this rank had nothing to do but to wait for transfers.
  [[nodiscard]] Seconds waited() const;
  /// Likewise for collectives that run beside kernels.
  [[nodiscard]] Seconds not_hidden() const;
  /// Time outside all operations and waits: the executor's own.
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
  void run_kernels(const Range& calls);
  void share_routes(const RoutedTokens& routed);
  void replay_routes(const RoutedTokens& routed);
  void begin_calls(std::size_t position);
  void take_off(std::uint32_t flight, Ticket ticket);
  void wait_for(std::uint32_t flight);
  [[nodiscard]] bool runs_in(std::size_t run, std::size_t position) const;
  void read_clock(std::size_t position);
  void read_waits();
  void fill(const InputFill& input);

  RankPlan& plan_;
  Device& device_;
  Communicator& communicator_;
  OperationNote* note_;
  TokenSource tokens_;
  std::vector<double> scratch_;  // token numbers of one micro-batch
  std::vector<double> routes_;   // of one micro-batch; grows in the first step
  std::vector<double> logits_;   // likewise, where routes are replayed
  const RouteRecord* replayed_ = nullptr;
  std::int64_t rerouted_ = 0;
  std::vector<double> planned_;  // routes of every micro-batch; empty: the router's
  std::unique_ptr<DeviceClock> clock_;
  std::vector<Stamp> stamps_;          // by position
  std::vector<std::size_t> first_of_;  // position of a run's first operation
  std::vector<Ticket> tickets_;        // of a flight
  std::vector<bool> flying_;           // by flight
  std::size_t in_flight_ = 0;
  Nanoseconds waited_ = 0;      // for transfers, in the last step
  Nanoseconds not_hidden_ = 0;  // of collectives beside kernels
};

}  // namespace foreshard
