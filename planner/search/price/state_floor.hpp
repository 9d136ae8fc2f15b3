#pragma once

#include <cstddef>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What lives longer than a micro-batch, layer by layer: weights, gradients and optimizer state; and what their
/// sharding costs. All plans with the same shards on the same number of stages share one, whatever their micro-batches,
/// recomputation, chunks and schedule are.
class StateFloor {
 public:
  /// Builds the step program of a job with one chunk per stage.
  static StateFloor of(const JobSpec& job);

  /// Bytes of the states of these layers.
  [[nodiscard]] Bytes of_layers(std::size_t first, std::size_t end) const {
    return until_[end] - until_[first];
  }
  /// Bytes of what else a stage keeps: tables, the head, shared buffers.
  [[nodiscard]] Bytes of_stage(std::size_t stage) const { return of_stage_[stage]; }
  /// The least that one layer's communication of weights and gradients keeps its lane busy, in a micro-batch.
  [[nodiscard]] Seconds layer_lane() const { return layer_lane_; }
  /// The least that one layer's kernels outside the micro-batches take: zeroing, norm, update.
  [[nodiscard]] Seconds layer_outside() const { return layer_outside_; }

 private:
  std::vector<Bytes> until_;     // by layer: of the layers below
  std::vector<Bytes> of_stage_;  // by stage
  Seconds layer_lane_;
  Seconds layer_outside_;
};

}  // namespace foreshard
