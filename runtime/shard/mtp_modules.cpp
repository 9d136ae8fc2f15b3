#include "runtime/shard/mtp_modules.hpp"

#include <iterator>

namespace foreshard {

MtpModules::MtpModules(const StepProgram& program) {
  for (const StageProgram& stage : program.stages) {
    for (const Chunk& chunk : stage.chunks) {
      for (const BlockCall& block_call : chunk.forward) {
        const BlockKind kind = program.block(block_call.block).kind;
        if (kind == BlockKind::mtp) entries_.insert(block_call.layer);
        if (kind == BlockKind::mtp_head) heads_.insert(block_call.layer);
      }
    }
  }
}

std::int64_t MtpModules::ahead(const Block& block, LayerId layer, bool labels) const {
  const std::int64_t of_model = labels ? 1 : 0;
  if (block.kind != BlockKind::mtp && block.kind != BlockKind::mtp_head) return of_model;
  const std::set<LayerId>& layers = block.kind == BlockKind::mtp ? entries_ : heads_;
  return of_model + 1 + std::distance(layers.begin(), layers.find(layer));
}

double MtpModules::loss_weight(const Block& block) const {
  return block.kind == BlockKind::mtp_head ? kMtpLossWeight / static_cast<double>(count()) : 1.0;
}

}  // namespace foreshard
