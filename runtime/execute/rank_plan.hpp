#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "planner/program/schedule/runs.hpp"
#include "planner/program/step_program.hpp"
#include "planner/topology/device_mesh.hpp"
#include "runtime/comm/collective_shape.hpp"
#include "runtime/comm/communicator.hpp"
#include "runtime/device/device.hpp"
#include "runtime/execute/arena_layout.hpp"
#include "runtime/execute/routing.hpp"

namespace foreshard {

/// A stretch of one of the plan's lists.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// What one operation of the step makes its rank do: first wait for what is in flight in memory that it
/// touches, then run its calls. An operation of a group of one has none.
struct PlannedOp {
  /// Collectives are run when they are reached; those beside kernels and transfers are begun then, and are in
  /// flight until somebody waits for them.
  enum class Kind : std::uint8_t { kernels, collective, beside, transfer };
  OpRun at;
  Kind kind = Kind::kernels;
  Range waits{};    ///< into `waits`
  Range flights{};  ///< into `flights`: of each of its calls, if they are begun
  Range calls{};    ///< into `kernels`, `collectives` or `transfers`
  Range inputs{};   ///< into `inputs`: what is to be there before
  /// Of a collective, into `kernels`: what packs for it and unpacks after it.
  Range before{};
  Range after{};
  Range routed{};  ///< into `routed`: what is to be told to others when tokens have chosen their experts
};

/// What is in flight for some time.
struct Flight {
  std::uint32_t position = 0;            ///< of the operation that begins it
  bool arrives_when_waited_for = false;  ///< a receive: nobody sees its end earlier
};

/// Routes that an operation writes, and the record that is filled from them.
struct RoutedTokens {
  Buffer logits;
  Buffer routes;
  Routing* routing = nullptr;
  LayerId layer;
  MicroBatch micro_batch;
};

/// Token numbers that an operation is the first to read.
struct InputFill {
  Buffer buffer;
  bool labels = false;
  MicroBatch micro_batch;
};

/// A weight that stands on this rank: of the elements that the rank would hold without ZeRO, `held`; and
/// those of its gradient whose sum over the data-parallel replicas comes to stand here, `summed`.
struct HeldWeight {
  TensorId tensor;
  LayerId layer;
  Buffer weight;
  Share held;
  Buffer gradient;
  Share summed;
};

/// The step of one rank, ready to run again and again: every operation bound to memory once, nothing to look
/// up, nothing to allocate.
class RankPlan {
 public:
  /// Allocates the arena on the device. @pre what_the_runtime_lacks() has nothing to say of the program's
  /// job, and the program's devices are the communicator's ranks; program, device and communicator outlive
  /// the plan.
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
  /// Where an operand of an operation stands.
  [[nodiscard]] Buffer buffer(const OpRun& at, std::size_t operand) const;
  /// Where a tensor that lives for the step stands. @pre the rank holds it
  [[nodiscard]] Buffer buffer(TensorId tensor, LayerId layer) const;

  [[nodiscard]] const std::vector<PlannedOp>& ops() const { return ops_; }
  [[nodiscard]] const std::vector<std::uint32_t>& waits() const { return waits_; }  ///< into `flights`
  [[nodiscard]] const std::vector<Flight>& flights() const { return flights_; }     ///< in order of begin
  [[nodiscard]] const std::vector<KernelCall>& kernels() const { return kernels_; }
  [[nodiscard]] const std::vector<CollectiveCall>& collectives() const { return collectives_; }
  [[nodiscard]] const std::vector<TransferCall>& transfers() const { return transfers_; }
  [[nodiscard]] const std::vector<InputFill>& inputs() const { return inputs_; }
  [[nodiscard]] const std::vector<RoutedTokens>& routed() const { return routed_; }
  /// How the tokens of a layer's micro-batch were routed in the last step; or none, of an ordinary layer.
  [[nodiscard]] const Routing* routing(LayerId layer, MicroBatch micro_batch) const;
  [[nodiscard]] const std::map<std::pair<LayerId, MicroBatch>, Routing>& routings() const {
    return routings_;
  }
  /// Weights of this rank, in the order in which the step first touches them.
  [[nodiscard]] const std::vector<HeldWeight>& weights() const { return weights_; }
  /// The sum of the losses of this rank's micro-batches; stays zero on stages without the head.
  [[nodiscard]] const Buffer& loss() const { return loss_; }
  /// What the next step's updates read.
  [[nodiscard]] OptimizerStep& optimizer() { return optimizer_; }

 private:
  class Compiler;
  [[nodiscard]] Buffer place(const Allocation& allocation, const Tensor& tensor) const;

  const StepProgram& program_;
  Coordinates at_;
  std::vector<Run> runs_;
  const Device& device_;
  ArenaLayout layout_;
  std::unique_ptr<DeviceMemory> arena_;
  OptimizerStep optimizer_;
  Buffer loss_;
  Buffer scratch_;  // for packing what is exchanged; beside the arena

  std::vector<PlannedOp> ops_;
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
