#pragma once

#include <string>
#include <vector>

#include "planner/program/build/emit_layers.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/schedule/placement.hpp"

namespace foreshard {

/// One synchronisation of gradients: the weights that it covers, and the block call after which their
/// gradients are complete.
struct SyncPoint {
  std::string name;
  std::vector<SyncUnit> units;
  LayerId layer;      ///< the lowest layer that it covers
  BlockId completes;  ///< after the call of this block for `layer` the gradients are complete
};

/// The embedding, the head and multi-token prediction, as synchronisation needs to know them. Units are relative to the
/// layer of the block that completes them: 0 for the embedding, else the model's last layer.
struct ModelEnds {
  std::vector<SyncUnit> head_units;
  BlockId head_last;                ///< the block after which the head's gradients are complete
  std::vector<SyncUnit> mtp_units;  ///< of multi-token prediction
  BlockId mtp_last;                 ///< the block after which its gradients are complete
  std::vector<SyncUnit> embedding_units;
  BlockId embedding_last;  ///< the block after which the embedding's gradients are complete
  LayerId last_layer;
};

/// The synchronisations of one piece, in the order in which backward completes their gradients: first the
/// head, then multi-token prediction, the layers, and at last the embedding. One synchronisation covers as many consecutive layers with the
/// same weights as fit into a bucket. With a bucket of 0 bytes one covers everything.
///
/// Example: layers 4 … 9 are of kinds a a b b b b, their gradients take 1 GB per layer, buckets hold 3 GB.
/// Backward goes from layer 9 down: "b x 3" is complete at layer 7, "b x 1" at layer 6, "a x 2" at layer 4.
std::vector<SyncPoint> sync_points(const ProgramBuilder& builder, const LayerBlocks& layers,
                                   const ModelEnds& ends, const ModelPiece& piece, Bytes bucket);

}  // namespace foreshard
