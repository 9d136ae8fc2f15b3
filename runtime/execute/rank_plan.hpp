#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"
#include "runtime/execute/arena_layout.hpp"
#include "runtime/execute/magnitude_slots.hpp"
#include "runtime/execute/routing.hpp"

namespace foreshard {

/// A range [begin, end) of indices into one of the plan's lists.
struct PlanRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// How a rank runs one operation of the step: it waits for the flights whose memory the operation touches,
/// then runs the operation's calls. A collective of a group of one has no calls.
struct PlannedOp {
  /// A `collective` blocks when it is reached. A `beside` (asynchronous collective) or `transfer` is started
  /// then and is in flight until a later operation waits for it.
  enum class Kind : std::uint8_t { kernels, collective, beside, transfer };
  OpRun at;
  Kind kind = Kind::kernels;
  PlanRange waits{};    ///< into `waits`
  PlanRange flights{};  ///< into `flights`: one for each of its calls, if they are asynchronous
  PlanRange calls{};    ///< into `kernels`, `collectives` or `transfers`
  PlanRange inputs{};   ///< into `inputs`: inputs to fill before the operation
  /// Into `kernels`: the kernels that pack for a collective and unpack after it.
  PlanRange before{};
  PlanRange after{};
  PlanRange
      routed{};  ///< into `routed`: routes to exchange with other ranks after the router has chosen experts
};

/// An asynchronous call between its start and the wait for it.
struct Flight {
  std::uint32_t position = 0;            ///< of the operation that starts it
  bool arrives_when_waited_for = false;  ///< true for a receive: its end is only known after the wait
};

/// Routes that an operation writes, and the Routing that is filled from them.
struct RoutedTokens {
  Buffer logits;
  Buffer routes;
  Routing* routing = nullptr;
  LayerId layer;
  MicroBatch micro_batch;
};

/// An input buffer of token ids (or labels) to fill before the first operation that reads it.
struct InputFill {
  Buffer buffer;
  std::int64_t ahead = 0;  ///< positions from a row's own to that of its number: 0 for ids, 1 for labels, …
  MicroBatch micro_batch;
};

/// A weight on this rank. Both shares are ranges of the elements that the rank would hold without ZeRO:
/// `held` is the part of the weight that is stored here, `summed` the part of the gradient whose sum over the
/// data-parallel replicas is stored here.
struct HeldWeight {
  TensorId tensor;
  LayerId layer;
  Buffer weight;
  Share held;
  Buffer gradient;
  Share summed;
};

/// The step of one rank, ready to be run many times. Every operation is bound to its memory once, so running
/// a step needs no look-ups and no allocations.
class RankPlan {
 public:
  /// Allocates the arena on the device. @pre what_the_runtime_lacks() is empty for the program's job; the
  /// program's devices are the communicator's ranks; program, device and communicator outlive the plan.
  RankPlan(const StepProgram& program, Device& device, const Communicator& communicator);

  RankPlan(const RankPlan&) = delete;
  RankPlan& operator=(const RankPlan&) = delete;

  [[nodiscard]] const StepProgram& program() const { return program_; }
  [[nodiscard]] const Coordinates& coordinates() const { return at_; }
  [[nodiscard]] StageId stage() const { return StageId(static_cast<std::int32_t>(at_.pp)); }
  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] const ArenaLayout& layout() const { return layout_; }
  [[nodiscard]] const Op& op(const OpRun& at) const {
    return program_.block(runs_[at.run].block_call.block).ops[at.op.at()];
  }
  /// The memory of an operand of an operation.
  [[nodiscard]] Buffer buffer(const OpRun& at, std::size_t operand) const;
  /// The memory of a tensor that lives for the step. @pre the rank holds it
  [[nodiscard]] Buffer buffer(TensorId tensor, LayerId layer) const;

  [[nodiscard]] const std::vector<PlannedOp>& ops() const { return ops_; }
  /// Where the operations of a run stand in ops(), in the order of its block.
  [[nodiscard]] const std::vector<std::size_t>& positions(std::size_t run) const { return positions_[run]; }
  [[nodiscard]] const std::vector<std::uint32_t>& waits() const { return waits_; }  ///< into `flights`
  [[nodiscard]] const std::vector<Flight>& flights() const { return flights_; }     ///< in order of start
  [[nodiscard]] const std::vector<KernelCall>& kernels() const { return kernels_; }
  [[nodiscard]] const std::vector<CollectiveCall>& collectives() const { return collectives_; }
  [[nodiscard]] const std::vector<TransferCall>& transfers() const { return transfers_; }
  [[nodiscard]] const std::vector<InputFill>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<RoutedTokens>& routed() const { return routed_; }
  /// How the tokens of a layer's micro-batch were routed in the last step; null if the layer has no router.
  [[nodiscard]] const Routing* routing(LayerId layer, MicroBatch micro_batch) const;
  [[nodiscard]] const std::map<std::pair<LayerId, MicroBatch>, Routing>& routings() const {
    return routings_;
  }
  /// Weights of this rank, in the order in which the step first touches them.
  [[nodiscard]] const std::vector<HeldWeight>& weights() const { return weights_; }
  /// The sum of the losses of this rank's micro-batches; stays zero on stages without the head.
  [[nodiscard]] const Buffer& loss() const { return loss_; }
  /// Delayed scaling: the largest magnitudes of the last step, and what the first step takes for them. Empty with any
  /// other scaling.
  [[nodiscard]] const Buffer& magnitudes() const { return magnitudes_; }
  [[nodiscard]] const std::vector<double>& first_magnitudes() const { return first_magnitudes_; }
  /// The optimizer's parameters that the next step's updates read.
  [[nodiscard]] OptimizerStep& optimizer() { return optimizer_; }

 private:
  class Compiler;
  void place_magnitudes(Device& device);
  [[nodiscard]] Buffer place(const Allocation& allocation, const Tensor& tensor) const;

  const StepProgram& program_;
  Coordinates at_;
  std::vector<Run> runs_;
  const Device& device_;
  ArenaLayout layout_;
  std::unique_ptr<DeviceMemory> arena_;
  OptimizerStep optimizer_;
  Buffer loss_;
  Buffer scratch_;  // for what lives within one operation; outside the arena
  std::optional<MagnitudeSlots> slots_;
  Buffer magnitudes_;
  std::unique_ptr<DeviceMemory> earlier_magnitudes_memory_;
  Buffer earlier_magnitudes_;
  std::vector<double> first_magnitudes_;

  std::vector<PlannedOp> ops_;
  std::vector<std::vector<std::size_t>> positions_;  // by run
  std::vector<std::uint32_t> waits_;
  std::vector<Flight> flights_;
  std::vector<KernelCall> kernels_;
  std::vector<CollectiveCall> collectives_;
  std::vector<Piece> pieces_;
  std::vector<TransferCall> transfers_;
  std::vector<InputFill> inputs_;
  std::vector<RoutedTokens> routed_;
  std::map<std::pair<LayerId, MicroBatch>, Routing> routings_;
  std::vector<HeldWeight> weights_;
};

}  // namespace foreshard
