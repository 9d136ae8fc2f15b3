#pragma once

#include <string>
#include <vector>

#include "planner/program/build/emit_layers.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/schedule/placement.hpp"

namespace foreshard {

/// What one synchronisation of gradients covers, and the block call after which its gradients are complete.
struct SyncPoint {
  std::string name;
  std::vector<SyncUnit> units;
  LayerId layer;      ///< the lowest it covers
  BlockId completes;  ///< with `layer`: the block call
};

/// What stands at the ends of the model, as synchronisation sees it.
struct ModelEnds {
  std::vector<SyncUnit> head_units;
  BlockId head_last;  ///< after which the head's gradients are complete
  std::vector<SyncUnit> embedding_units;
  BlockId embedding_last;
  LayerId last_layer;
};

/// The synchronisations of one piece, in the order in which backward completes them: the head, then the
/// layers, by as many with the same weights as a bucket holds, then the embedding. A framework without buckets
/// has one for all.
///
/// Example: layers 4 … 9 of kinds a a b b b b, whose gradients take 1 GB a layer, in buckets of 3 GB, give
/// "b x 3" complete at layer 7, "b x 1" at layer 6 and "a x 2" at layer 4.
std::vector<SyncPoint> sync_points(const ProgramBuilder& builder, const LayerBlocks& layers,
                                   const ModelEnds& ends, const Piece& piece);

}  // namespace foreshard
