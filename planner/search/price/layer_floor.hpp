#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "planner/cost/step/lane_plan.hpp"
#include "planner/program/build/stage_layout.hpp"
#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The passes of one micro-batch, layer by layer: lower bounds for their time, and the bytes that forward leaves for
/// backward. All plans whose layers run the same operations share one: it does not depend on how the layers are put on
/// stages, on the schedule, or on how states are sharded (but with ZeRO 2 and 3 on which of them it is).
class LayerFloor {
 public:
  /// Builds the program of a job's passes. None for a job whose passes cannot be told apart by
  /// layers: layers of multi-token prediction away from the head, layers that are recomputed by their place on a stage,
  /// updates in backward, passes in turns, anything kept in the host's memory.
  static std::optional<LayerFloor> of(const JobSpec& job);
  /// The same from the job's own step program, with its communication of data parallelism: for this plan alone.
  static std::optional<LayerFloor> of(const JobSpec& job, const StepProgram& program, const OpTimes& times);

  /// The time of all passes of a piece of the model: layers first … end − 1, the embedding before layer 0, the head
  /// after the last layer. What the next stage in a pass waits for may be there before the pass ends.
  struct PieceTime {
    Seconds forward;
    Seconds
        forward_output;  ///< from its start until the next piece can start; of the last piece as `forward`
    Seconds backward;    ///< with the weight pass
    Seconds backward_output;  ///< of the first piece, to the end of its backward pass without the weight pass
    Seconds backward_lead;    ///< what backward may do before the gradient of its output is there
    /// Communication of data parallelism before and after these kernels, during which the stage runs none.
    Seconds stopped;
  };
  [[nodiscard]] PieceTime piece(std::size_t first, std::size_t end) const;
  /// What these layers leave for backward.
  [[nodiscard]] Bytes saved(std::size_t first, std::size_t end) const {
    return saved_until_[end] - saved_until_[first];
  }
  [[nodiscard]] std::size_t layers() const { return saved_until_.size() - 1; }
  /// FLOPs by which layers are put on stages.
  [[nodiscard]] const ForwardCosts& costs() const { return costs_; }

 private:
  LayerFloor() = default;

  struct Layer {
    Seconds to_next;  ///< between the first kernels of this layer and of the one that follows in the pass
    Seconds rest;     ///< to the end of this layer's last kernel
    Seconds output;   ///< until the next layer of the pass can start
    Seconds lead;     ///< what it may do before the layer before it in the pass has ended
    Seconds stopped_before;  ///< PassChains::Stops
    Seconds stopped_after;
  };
  /// One pass over the layers: forward upwards, backward downwards.
  struct LayerPass {
    std::vector<Layer> layers;
    std::vector<Seconds> until;  ///< sum of to_next over the layers below
  };
  friend class LayerFloorBuilder;

  LayerPass forward_;
  LayerPass backward_;
  std::vector<Seconds>
      weight_until_;       // kernels of the weight passes of the layers below; those of the ends are left out
  Seconds before_layers_;  // embedding, up to layer 0
  Seconds from_last_layer_;   // the last layer and what follows it in forward
  Seconds before_backward_;   // what backward runs before the last layer
  Seconds from_first_layer_;  // layer 0 and what follows it in backward
  std::vector<Bytes> saved_until_;
  ForwardCosts costs_;
};

}  // namespace foreshard
