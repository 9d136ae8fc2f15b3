#pragma once

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The transfers between neighbouring stages, each visited with the layer whose input it carries. "Next" of
/// the last stage is the first one: interleaved schedules go round.
struct PipelineBlocks {
  BlockId send_forward;      ///< hidden → the stage of the next piece
  BlockId receive_forward;   ///< hidden ← the stage of the previous piece
  BlockId send_backward;     ///< d.hidden → the stage of the previous piece
  BlockId receive_backward;  ///< d.hidden ← the stage of the next piece
};

/// For pieces whose next piece stands on the stage that `way` names. Under tensor parallelism each rank sends
/// its own part of the activation where the framework scatters transfers, and the receivers gather it; under
/// sequence parallelism the activation is cut already.
PipelineBlocks emit_pipeline(ProgramBuilder& builder, Peer way);

}  // namespace foreshard
