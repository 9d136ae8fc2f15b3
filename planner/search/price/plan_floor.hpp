#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "planner/search/price/layer_floor.hpp"
#include "planner/search/price/stage_floors.hpp"
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
/// stages. Each is made when the first plan needs it; a plan then costs look-ups and a sum for each of its stages, without
/// allocation.
///
/// With F and B the floors of a stage's forward and backward passes of one micro-batch, and m micro-batches, the
/// stage's step takes at least
///   Σ F of the pieces before its first one + m · (F + B) + Σ B of these pieces + the kernels outside micro-batches
/// because its first forward pass waits for theirs, and its last backward pass is followed by theirs (where backward is
/// split, weight passes may follow instead: then their B does not count). It also takes as long as its lane of weights and
/// gradients is busy.
/// Example: 2 stages with F = 1 s and B = 2 s, m = 4: the second stage takes 1 + 4 · 3 + 2 = 15 s.
class PlanFloors {
 public:
  /// @param base         the job whose plans these are
  /// @param most_needed  plans that need more are too large: of these, any floor above will do, and a plan that needs too
  ///                     much even with the activations of a smaller micro-batch is not looked at any closer
  explicit PlanFloors(const JobSpec& base, std::optional<Bytes> most_needed = std::nullopt);

  /// None if the plan has no floor (LayerFloor::of): only its estimate tells.
  /// @param job  the plan at `point` @pre it is legal
  [[nodiscard]] std::optional<PlanFloor> floor(const PlanPoint& point, const JobSpec& job);

  /// How many step programs were built.
  [[nodiscard]] std::int64_t programs() const { return programs_; }

 private:
  /// Places on axes, one byte each.
  using Key = std::uint64_t;
  /// How layers are put on stages. Plans with equal layouts share one.
  struct Layout {
    StageRanges stages;
    std::unordered_map<Key, std::vector<Bytes>> states{};  ///< of each stage, by the key of a StateFloor
  };
  /// The stages with so many layers: of the longest of them, the passes of all micro-batches.
  struct StagesOfSize {
    std::int64_t layers = 0;
    Seconds passes;
  };
  /// What a plan's layers and stages decide, whatever its states are.
  struct Stages {
    Layout* layout = nullptr;
    double micro_batches = 0.0;
    std::int64_t most_layers = 0;
    std::vector<StagesOfSize> by_size{};
    std::vector<Bytes> activations{};  ///< kept for backward at the peak, by stage
  };
  /// A LayerFloor, and the stages over which its layers are put, by the places of vp, stages, pp and schedule.
  struct LayerEntry {
    std::optional<LayerFloor> floor;
    std::unordered_map<Key, Layout*>
        layouts{};  ///< those that layers' costs decide, by the places of pp, vp and stages
    std::unordered_map<Key, Stages> stages{};
    /// Layouts and activations of plans with a larger micro-batch; the place of it is a part of the key.
    std::unordered_map<Key, Stages> of_larger{};
  };

  [[nodiscard]] Key layer_key(const PlanPoint& point, const JobSpec& job) const;
  LayerEntry& build_layers(Key key, const JobSpec& job);
  const StateFloor& states_of(Key key, const JobSpec& job);
  /// @pre the entry has a floor
  Layout& layout_of(LayerEntry& layers, const PlanPoint& point, const JobSpec& job);
  Stages make_stages(LayerEntry& entry, const PlanPoint& point, const JobSpec& job);
  [[nodiscard]] std::optional<Bytes> needed_by_smaller(Key layer_key, const PlanPoint& point,
                                                       const JobSpec& job);
  [[nodiscard]] Bytes needed(const Stages& stages, const PlanPoint& point, const JobSpec& job);

  bool has_experts_;
  bool zero_changes_weights_;  ///< also ZeRO 1 does: quantised weights
  double fragmentation_;
  Bytes context_;
  std::optional<Bytes> most_needed_;
  std::unordered_map<Key, LayerEntry> layers_;
  std::unordered_map<Key, StateFloor> states_;
  std::map<std::vector<std::int64_t>, Layout> layouts_;  // by stages, order and layers of the pieces
  std::unordered_map<Key, Layout*> layouts_of_counts_;   // of layouts that only counts decide
  std::int64_t programs_ = 0;
};

}  // namespace foreshard
