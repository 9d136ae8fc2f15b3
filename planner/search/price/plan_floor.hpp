#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "planner/search/price/layer_floor.hpp"
#include "planner/search/price/state_floor.hpp"
#include "planner/search/space/axis_values.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// What a plan takes at the least. Its estimate is never below.
struct PlanFloor {
  Seconds step;
  Bytes needed;  ///< reserved + context, as MemoryReport has them
};

/// Computes floors of the plans of one part of a space (PlanSpace::parts: they have the same tp and cp) from pieces that
/// many plans share: the time and memory of a layer's passes (LayerFloor), its states (StateFloor), the layout of the
/// stages. Each is made when the first plan needs it; a plan then costs some sums over its stages, without allocation.
///
/// With F and B the floors of a stage's forward and backward passes of one micro-batch, and m micro-batches, the
/// stage's step takes at least
///   Σ F of the pieces before its first one + m · (F + B) + Σ B of these pieces + the kernels outside micro-batches
/// because its first forward pass waits for theirs, and its last backward pass is followed by theirs (with zero-bubble,
/// weight passes may follow instead: then their B does not count). It also takes as long as its lane of weights and
/// gradients is busy.
/// Example: 2 stages with F = 1 s and B = 2 s, m = 4: the second stage takes 1 + 4 · 3 + 2 = 15 s.
class PlanFloors {
 public:
  /// @param base  the job whose plans these are
  explicit PlanFloors(const JobSpec& base);

  /// None if the plan has no floor (LayerFloor::of): only its estimate tells.
  /// @param job  the plan at `point` @pre it is legal
  [[nodiscard]] std::optional<PlanFloor> floor(const PlanPoint& point, const JobSpec& job);

  /// How many step programs were built.
  [[nodiscard]] std::int64_t programs() const { return programs_; }

 private:
  /// Everything about a stage that does not depend on the number of micro-batches.
  struct Stage {
    Seconds once;         ///< passes of other stages before its first and after its last one
    Seconds micro_batch;  ///< its own passes of one micro-batch
    Bytes saved;          ///< of one micro-batch, by the chunk that saves least
    std::int64_t layers = 0;
    std::vector<LayerRange> pieces{};
  };
  using Stages = std::vector<Stage>;
  /// Places on axes, one byte each.
  using Key = std::uint64_t;
  /// A LayerFloor, and the stages over which its layers are put, by the places of vp, stages and pp.
  struct LayerEntry {
    std::optional<LayerFloor> floor;
    std::unordered_map<Key, Stages> stages{};
  };

  [[nodiscard]] Key layer_key(const PlanPoint& point, const JobSpec& job) const;
  LayerEntry& layers_of(Key key, const JobSpec& job);
  const StateFloor& states_of(const PlanPoint& point, const JobSpec& job);
  static const Stages& stages_of(LayerEntry& entry, const PlanPoint& point, const JobSpec& job);

  bool has_experts_;
  bool zero_changes_weights_;  ///< also ZeRO 1 does: quantised weights
  double fragmentation_;
  Bytes context_;
  std::unordered_map<Key, LayerEntry> layers_;
  std::unordered_map<Key, StateFloor> states_;
  std::int64_t programs_ = 0;
};

}  // namespace foreshard
