#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/program/schedule/schedule.hpp"
#include "planner/search/price/layer_floor.hpp"
#include "planner/units/count.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// The layers of every chunk, by stage.
using StageRanges = std::vector<std::vector<LayerRange>>;

/// What the passes of one stage take at the least.
struct StagePasses {
  std::int64_t layers = 0;
  Seconds fill;           ///< before its first pass: the forward passes of the pieces before its first one
  Seconds micro_batches;  ///< its own passes
  Seconds drain;          ///< after its last backward pass: those of the pieces before its first one
  Bytes activations;      ///< kept for backward at the peak
  [[nodiscard]] Seconds total() const { return fill + micro_batches + drain; }
};

/// Calls `use(stage, passes)` for each stage in order.
template <class Use>
void for_each_stage(const LayerFloor& layers, const StageRanges& stages, const ScheduleShape& shape,
                    Use use) {
  const auto micro_batches = static_cast<double>(shape.micro_batches);
  const bool weights_come_last = splits_backward(shape.kind);
  Seconds fill;
  Seconds drain;
  for (std::size_t s = 0; s < stages.size(); ++s) {
    StagePasses passes{.layers = 0, .fill = fill, .micro_batches = {}, .drain = {}, .activations = {}};
    LayerFloor::PieceTime first_piece;
    Seconds micro_batch;
    std::optional<Bytes> saved;  // of one micro-batch, by the chunk that saves least
    for (const LayerRange& range : stages[s]) {
      const LayerFloor::PieceTime time = layers.piece(range.first.at(), range.end().at());
      if (!saved) first_piece = time;
      micro_batch += time.forward + time.backward + time.stopped;
      const Bytes of_piece = layers.saved(range.first.at(), range.end().at());
      saved = saved ? std::min(*saved, of_piece) : of_piece;
      passes.layers += range.count;
    }
    passes.micro_batches = micro_batches * micro_batch;
    // The next backward pass can start before the stage's last one ends and before what follows it, and may have
    // recomputed before.
    const Seconds early = first_piece.backward + first_piece.stopped - first_piece.backward_output;
    if (!weights_come_last) passes.drain = std::max(Seconds(), drain - early);
    passes.activations = *saved * peak_in_flight(shape, StageId(s));
    use(s, passes);
    fill += first_piece.forward_output;
    const Seconds backward = s == 0 ? first_piece.backward : first_piece.backward_output;
    drain += std::max(Seconds(), backward - first_piece.backward_lead);
  }
}

}  // namespace foreshard
