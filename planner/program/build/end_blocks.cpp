#include "planner/program/build/end_blocks.hpp"

#include "planner/program/emit/emit_forward.hpp"
#include "planner/spec/types/layer_pattern.hpp"

namespace foreshard {

namespace {

LayerId plus(LayerId layer, std::int64_t count) {
  return LayerId(layer.value() + static_cast<std::int32_t>(count));
}

BlockId forward_of(const PassBlocks& passes) { return passes.forward; }
BlockId backward_of(const PassBlocks& passes) { return passes.backward; }
BlockId weight_of(const PassBlocks& passes) { return passes.last(); }

}  // namespace

EndBlocks::EndBlocks(const JobSpec& job) : last_(static_cast<std::int32_t>(job.model.layers)) {
  if (!job.model.mtp) return;
  modules_ = job.model.mtp->modules;
  layers_of_module_ =
      static_cast<std::int64_t>(layer_pattern(job.model, job.training.sequence_length).mtp_kinds.size());
}

void EndBlocks::emit(ProgramBuilder& builder, const LayerBlocks& layers, WeightGroup& table) {
  layers_ = &layers;
  head_pass_ = finish_passes(builder, emit_head(builder, head_, table), {&head_, &table});
  if (!has_mtp()) return;
  entry_pass_ = finish_passes(builder, emit_mtp_entry(builder, entry_, table), {&entry_, &table});
  mtp_head_pass_ =
      finish_passes(builder, emit_mtp_head(builder, norm_, head_, table), {&norm_, &head_, &table});
}

std::vector<const WeightGroup*> EndBlocks::groups() const {
  if (has_mtp()) return {&entry_, &norm_, &head_};
  return {&head_};
}

LayerId EndBlocks::entry(std::int64_t module) const { return plus(last_, module * (layers_of_module_ + 1)); }

std::vector<LayerId> EndBlocks::owned(const WeightGroup& group, const ModelPiece& piece) const {
  std::vector<LayerId> layers;
  if (&group == &head_ && piece.has_head) layers.push_back(last_);
  for (std::int64_t k = 0; k < modules_; ++k) {
    if (&group == &entry_ && piece.has_mtp) layers.push_back(entry(k));
    if (&group == &norm_ && piece.has_head) layers.push_back(entry(k + 1));
  }
  return layers;
}

std::vector<LayerId> EndBlocks::mtp_layers() const {
  std::vector<LayerId> layers;
  for (std::int64_t k = 0; k < modules_; ++k) {
    for (std::int64_t i = 1; i <= layers_of_module_; ++i) layers.push_back(plus(entry(k), i));
  }
  return layers;
}

BlockCall EndBlocks::head_before(std::int64_t module, Choice choice) const {
  return {choice(module == 0 ? head_pass_ : mtp_head_pass_), entry(module)};
}

std::vector<BlockCall> EndBlocks::forward(const ModelPiece& piece) const {
  std::vector<BlockCall> calls;
  if (piece.has_head) calls.push_back(head_before(0, forward_of));
  for (std::int64_t k = 0; k < modules_; ++k) {
    if (piece.has_mtp) {
      calls.push_back({entry_pass_.forward, entry(k)});
      for (std::int64_t i = 1; i <= layers_of_module_; ++i) {
        const LayerId layer = plus(entry(k), i);
        calls.push_back({layers_->passes(layer).forward, layer});
      }
    }
    if (piece.has_head) calls.push_back(head_before(k + 1, forward_of));
  }
  return calls;
}

std::vector<BlockCall> EndBlocks::backward(const ModelPiece& piece) const {
  return reversed(piece, backward_of);
}

std::vector<BlockCall> EndBlocks::weight(const ModelPiece& piece) const { return reversed(piece, weight_of); }

std::vector<BlockCall> EndBlocks::reversed(const ModelPiece& piece, Choice choice) const {
  std::vector<BlockCall> calls;
  if (piece.has_head) calls.push_back(head_before(modules_, choice));
  for (std::int64_t k = modules_ - 1; k >= 0; --k) {
    for (std::int64_t i = layers_of_module_; piece.has_mtp && i >= 1; --i) {
      const LayerId layer = plus(entry(k), i);
      calls.push_back({choice(layers_->passes(layer)), layer});
    }
    if (piece.has_head) calls.push_back(head_before(k, choice));
    if (piece.has_mtp) calls.push_back({choice(entry_pass_), entry(k)});
  }
  return calls;
}

std::vector<int> EndBlocks::streams_behind(const ModelPiece& piece) const {
  std::vector<int> streams{0};
  if (!piece.has_mtp) return streams;
  for (std::int64_t k = 1; k <= modules_; ++k) streams.push_back(entry(k).value() - last_.value());
  return streams;
}

std::vector<SyncUnit> EndBlocks::head_units() const {
  std::vector<SyncUnit> units{{&head_, 1}};
  for (std::int64_t k = 1; k <= modules_; ++k) units.push_back({&norm_, 1, entry(k).value() - last_.value()});
  return units;
}

std::vector<SyncUnit> EndBlocks::mtp_units() const {
  std::vector<SyncUnit> units;
  for (const LayerId layer : mtp_layers()) {
    for (const WeightGroup* group : layers_->weights(layer).groups())
      units.push_back({group, 1, layer.value() - last_.value()});
  }
  for (std::int64_t k = 0; k < modules_; ++k) units.push_back({&entry_, 1, entry(k).value() - last_.value()});
  return units;
}

}  // namespace foreshard
