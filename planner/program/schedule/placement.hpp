#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// Consecutive layers of a model.
struct LayerRange {
  LayerId first;
  std::int64_t count = 0;
  [[nodiscard]] LayerId end() const { return LayerId(first.value() + static_cast<std::int32_t>(count)); }
  friend constexpr bool operator==(const LayerRange&, const LayerRange&) = default;
};

/// A range of the model that one stage runs as one of its chunks.
struct ModelPiece {
  StageId stage;
  ChunkId chunk;
  LayerRange layers;
  bool has_embedding = false;
  bool has_head = false;
  bool has_mtp = false;  ///< it has the modules of multi-token prediction
  friend constexpr bool operator==(const ModelPiece&, const ModelPiece&) = default;
};

/// True if the piece computes nothing: its stage passes the activations on.
inline bool is_empty(const ModelPiece& piece) {
  return piece.layers.count == 0 && !piece.has_embedding && !piece.has_head && !piece.has_mtp;
}

/// The order in which a model's pieces are placed on the stages; p stages, v pieces on each.
enum class PieceOrder : std::uint8_t {
  round_robin,  ///< 0 … p−1, and again from 0: piece i is chunk i / p of stage i mod p
  v_shape,  ///< 0 … p−1, then back p−1 … 0, and so on: if v = 2, stage 0 has the first and last piece
};

/// Which stage holds which piece of the model. Only this class decides it: schedules, the builder, the
/// estimate and the simulator ask it for a piece's neighbours.
class Placement {
 public:
  /// @param layers_of_piece in model order @pre a multiple of `stages`
  /// @param mtp_piece the piece that has the modules of multi-token prediction, if the model has some
  static Placement along(PieceOrder order, std::int64_t stages,
                         const std::vector<std::int64_t>& layers_of_piece,
                         std::optional<std::size_t> mtp_piece = std::nullopt);

  /// @param pieces in model order
  explicit Placement(std::vector<ModelPiece> pieces);

  [[nodiscard]] const std::vector<ModelPiece>& pieces() const { return pieces_; }  ///< in model order
  [[nodiscard]] std::size_t stages() const { return by_stage_.size(); }
  [[nodiscard]] std::size_t chunks(StageId stage) const { return by_stage_[stage.at()].size(); }
  /// The index of a stage's chunk in pieces().
  [[nodiscard]] std::size_t index(StageId stage, ChunkId chunk) const {
    return by_stage_[stage.at()][chunk.at()];
  }
  [[nodiscard]] const ModelPiece& piece(StageId stage, ChunkId chunk) const {
    return pieces_[index(stage, chunk)];
  }

  /// The neighbouring stage to which a piece's activations are sent for the next piece. None for the last
  /// piece, and if the next piece is on the same stage. Gradients go in the opposite direction.
  [[nodiscard]] std::optional<Peer> way_on(std::size_t piece) const;

 private:
  std::vector<ModelPiece> pieces_;
  std::vector<std::vector<std::size_t>> by_stage_;  // [stage][chunk], into pieces_
};

/// The stage and chunk of the `piece`-th piece.
struct StageChunk {
  StageId stage;
  ChunkId chunk;
};
StageChunk place_of(PieceOrder order, std::int64_t stages, std::int64_t piece);

/// The placement of an existing program, found from the blocks and layers that its chunks call.
Placement placement_of(const StepProgram& program);

}  // namespace foreshard
