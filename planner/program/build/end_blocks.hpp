#pragma once

#include <cstdint>
#include <vector>

#include "planner/program/build/emit_layers.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/schedule/placement.hpp"

namespace foreshard {

/// The blocks after a model's last layer: the output head, and the modules of multi-token prediction if the model has
/// some. With L layers and modules of m layers, module k's entry is called with layer e = L + k·(m + 1), its layers with
/// e + 1 … e + m, and its head with e + m + 1, whose input is the output of its last layer.
class EndBlocks {
 public:
  explicit EndBlocks(const JobSpec& job);

  /// Emits the blocks. @param layers all kinds of layers, already emitted @param table the token table
  void emit(ProgramBuilder& builder, const LayerBlocks& layers, WeightGroup& table);

  [[nodiscard]] bool has_mtp() const { return modules_ > 0; }
  /// All weight groups. Those of multi-token prediction come first, without its layers.
  [[nodiscard]] std::vector<const WeightGroup*> groups() const;
  /// The layers with which the zero, norm and update blocks of a group are called on the stage that has this piece:
  /// one for each instance of the weights.
  [[nodiscard]] std::vector<LayerId> owned(const WeightGroup& group, const ModelPiece& piece) const;
  /// The layers of the modules of multi-token prediction.
  [[nodiscard]] std::vector<LayerId> mtp_layers() const;

  /// The block calls of what the piece has of these blocks.
  [[nodiscard]] std::vector<BlockCall> forward(const ModelPiece& piece) const;
  /// A module's entry adds to a gradient that the head before it writes, so that head comes first.
  [[nodiscard]] std::vector<BlockCall> backward(const ModelPiece& piece) const;
  [[nodiscard]] std::vector<BlockCall> weight(const ModelPiece& piece) const;
  /// The streams that the next piece needs after a piece with multi-token prediction but without the head: the
  /// layers whose input each is, relative to the model's last layer.
  [[nodiscard]] std::vector<int> streams_behind(const ModelPiece& piece) const;

  /// What is synchronised when the head's gradients are complete, for a block call with layer L.
  [[nodiscard]] std::vector<SyncUnit> head_units() const;
  /// The same for multi-token prediction.
  [[nodiscard]] std::vector<SyncUnit> mtp_units() const;
  [[nodiscard]] BlockId head_last() const { return head_pass_.last(); }
  [[nodiscard]] BlockId mtp_last() const { return entry_pass_.last(); }
  [[nodiscard]] LayerId end() const { return last_; }

 private:
  /// Which of its blocks a pass runs.
  using Choice = BlockId (*)(const PassBlocks&);
  [[nodiscard]] LayerId entry(std::int64_t module) const;
  /// The head before module k: the model's own for k = 0, else that of module k − 1.
  [[nodiscard]] BlockCall head_before(std::int64_t module, Choice choice) const;
  [[nodiscard]] std::vector<BlockCall> reversed(const ModelPiece& piece, Choice choice) const;

  LayerId last_;
  std::int64_t modules_ = 0;
  std::int64_t layers_of_module_ = 0;
  const LayerBlocks* layers_ = nullptr;
  WeightGroup head_{.prefix = "head", .block = "head", .per_layer = false};
  WeightGroup entry_{.prefix = "mtp", .block = "mtp"};
  WeightGroup norm_{.prefix = "mtp_head", .block = "mtp_head"};
  PassBlocks head_pass_;
  PassBlocks entry_pass_;
  PassBlocks mtp_head_pass_;
};

}  // namespace foreshard
