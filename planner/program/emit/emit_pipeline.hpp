#pragma once

#include <compare>
#include <vector>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The blocks of transfers between neighbouring stages. The layer of a block call is the one whose input is
/// transferred. The next stage of the last one is the first: interleaved schedules go round in a ring.
struct PipelineBlocks {
  BlockId send_forward;      ///< hidden → the stage of the next piece
  BlockId receive_forward;   ///< hidden ← the stage of the previous piece
  BlockId send_backward;     ///< d.hidden → the stage of the previous piece
  BlockId receive_backward;  ///< d.hidden ← the stage of the next piece
};

/// Where the activations of a piece go, and which streams go along.
struct PipelineTransfer {
  Peer way = Peer::next_stage;
  /// Layers after that of the block call, whose inputs are transferred. {0}, unless the outputs of multi-token
  /// prediction go to a head on another stage.
  std::vector<int> streams{0};
  friend std::strong_ordering operator<=>(const PipelineTransfer&, const PipelineTransfer&) = default;
};

/// Emits the transfers between pieces whose next piece is on the stage in the transfer's direction. With tensor
/// parallelism, if the framework scatters transfers, each rank sends its own part of the activation and the
/// receivers gather it. With sequence parallelism the activation is cut already.
PipelineBlocks emit_pipeline(ProgramBuilder& builder, const PipelineTransfer& transfer);

}  // namespace foreshard
