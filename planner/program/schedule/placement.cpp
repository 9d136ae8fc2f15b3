#include "planner/program/schedule/placement.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace foreshard {

namespace {

/// The piece that a chunk holds, found from its forward block calls.
ModelPiece piece_of(const StepProgram& program, StageId stage, ChunkId chunk) {
  ModelPiece piece{.stage = stage, .chunk = chunk, .layers = {}};
  const std::vector<BlockCall>& block_calls = program.stages[stage.at()].chunks[chunk.at()].forward;
  if (!block_calls.empty()) piece.layers.first = block_calls.front().layer;
  for (const BlockCall& block_call : block_calls) {
    const BlockKind kind = program.block(block_call.block).kind;
    piece.has_embedding |= kind == BlockKind::embedding;
    piece.has_head |= kind == BlockKind::head;
    piece.has_mtp |= kind == BlockKind::mtp;
    if (is_layer(kind) && !piece.has_mtp) ++piece.layers.count;
  }
  return piece;
}

}  // namespace

StageChunk place_of(PieceOrder order, std::int64_t stages, std::int64_t piece) {
  const std::int64_t round = piece / stages;
  const std::int64_t step = piece % stages;
  const bool goes_back = order == PieceOrder::v_shape && round % 2 == 1;
  return {StageId(static_cast<std::int32_t>(goes_back ? stages - 1 - step : step)),
          ChunkId(static_cast<std::int32_t>(round))};
}

Placement Placement::along(PieceOrder order, std::int64_t stages,
                           const std::vector<std::int64_t>& layers_of_piece,
                           std::optional<std::size_t> mtp_piece) {
  std::vector<ModelPiece> pieces;
  std::int32_t first = 0;
  for (std::size_t i = 0; i < layers_of_piece.size(); ++i) {
    const auto [stage, chunk] = place_of(order, stages, static_cast<std::int64_t>(i));
    pieces.push_back({.stage = stage,
                      .chunk = chunk,
                      .layers = {.first = LayerId(first), .count = layers_of_piece[i]},
                      .has_embedding = i == 0,
                      .has_head = i + 1 == layers_of_piece.size(),
                      .has_mtp = i == mtp_piece});
    first += static_cast<std::int32_t>(layers_of_piece[i]);
  }
  return Placement(std::move(pieces));
}

Placement::Placement(std::vector<ModelPiece> pieces) : pieces_(std::move(pieces)) {
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    const std::size_t stage = pieces_[i].stage.at();
    const std::size_t chunk = pieces_[i].chunk.at();
    if (by_stage_.size() <= stage) by_stage_.resize(stage + 1);
    if (by_stage_[stage].size() <= chunk) by_stage_[stage].resize(chunk + 1);
    by_stage_[stage][chunk] = i;
  }
}

std::optional<Peer> Placement::way_on(std::size_t piece) const {
  if (piece + 1 >= pieces_.size()) return std::nullopt;
  const std::size_t from = pieces_[piece].stage.at();
  const std::size_t to = pieces_[piece + 1].stage.at();
  if (from == to) return std::nullopt;
  return to == (from + 1) % stages() ? Peer::next_stage : Peer::previous_stage;
}

Placement placement_of(const StepProgram& program) {
  std::vector<ModelPiece> pieces;
  for (std::size_t s = 0; s < program.stages.size(); ++s) {
    for (std::size_t c = 0; c < program.stages[s].chunks.size(); ++c)
      pieces.push_back(piece_of(program, StageId(s), ChunkId(c)));
  }
  // Pieces without layers keep the round-robin order among themselves: by chunk, then by stage.
  std::stable_sort(pieces.begin(), pieces.end(), [](const ModelPiece& a, const ModelPiece& b) {
    return std::tuple(a.layers.first, a.chunk, a.stage) < std::tuple(b.layers.first, b.chunk, b.stage);
  });
  return Placement(std::move(pieces));
}

}  // namespace foreshard
