#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/backward/derive_backward.hpp"
#include "planner/program/emit/emit.hpp"
#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_pipeline.hpp"
#include "planner/program/emit/emit_update.hpp"
#include "planner/program/emit/stage_layout.hpp"
#include "planner/program/passes/accumulation.hpp"
#include "planner/program/passes/recompute.hpp"
#include "planner/program/passes/sequence_parallel.hpp"
#include "planner/program/passes/split_backward.hpp"
#include "planner/program/passes/zero.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

namespace {

/// A forward block and the backward block derived from it, in two where the schedule splits it.
struct PassBlocks {
  BlockId forward;
  BlockId backward;
  std::optional<BlockId> weight{};

  /// The block after which the weights' gradients are complete.
  [[nodiscard]] BlockId last() const { return weight.value_or(backward); }
};

/// One kind of layer: its blocks, and the weight groups that a layer of this kind owns.
struct LayerKind {
  std::string name;
  PassBlocks pass;
  std::vector<const WeightGroup*> groups;
};

/// Puts the stages together from blocks that are emitted once.
class StepBuilder {
 public:
  explicit StepBuilder(const JobSpec& job)
      : job_(job),
        builder_(job),
        layout_(stage_layout(job.model, job.parallelism, job.training.sequence_length)) {}

  StepProgram build() {
    hidden_stream(builder_);
    hidden_gradient(builder_);
    emit_blocks();
    if (stages() > 1) pipeline_ = emit_pipeline(builder_);
    builder_.program().groups = DeviceMesh(job_.parallelism).groups();
    for (std::int64_t s = 0; s < stages(); ++s) {
      builder_.program().stages.push_back(build_stage(StageId(static_cast<std::int32_t>(s))));
    }
    return std::move(builder_.program());
  }

 private:
  [[nodiscard]] std::int64_t stages() const { return job_.parallelism.pp; }
  [[nodiscard]] std::int64_t pieces() const { return checked_product(stages(), job_.parallelism.vp); }
  [[nodiscard]] LayerId last_layer() const { return LayerId(static_cast<std::int32_t>(job_.model.layers)); }
  [[nodiscard]] bool splits_backward() const { return job_.training.schedule == ScheduleKind::zero_bubble; }
  [[nodiscard]] bool ties_across_stages() const {
    return job_.model.tied_embeddings && stages() > 1 && !job_.lora;
  }

  // ---- blocks

  void emit_blocks() {
    const ModelSpec& model = job_.model;
    Block embedding = emit_embedding(builder_, table_, positions_);
    embedding_pass_ = finish(std::move(embedding), {&table_, &positions_});
    dense_layers_ = model.experts ? model.experts->dense_layers : model.layers;
    const LayerKindId first(std::int32_t{0});
    if (dense_layers_ > 0) {
      builder_.begin_layer_kind(first);
      dense_ = {"dense_layer", {}, {&dense_group_}};
      dense_.pass = finish(emit_dense_layer(builder_, dense_group_), dense_.groups);
    }
    if (dense_layers_ < model.layers) {
      builder_.begin_layer_kind(dense_layers_ > 0 ? LayerKindId(std::int32_t{1}) : first);
      moe_ = {"moe_layer", {}, {&moe_group_, &experts_}};
      moe_.pass = finish(emit_moe_layer(builder_, moe_group_, experts_), moe_.groups);
    }
    builder_.begin_layer_kind(std::nullopt);
    head_pass_ = finish(emit_head(builder_, head_, table_), {&head_, &table_});
    for (const WeightGroup* group : {&table_, &positions_, &dense_group_, &moe_group_, &experts_, &head_}) {
      cut_weights(builder_, *group);
      if (!group->weights.empty()) updates_.emplace_back(group, emit_update(builder_, *group));
    }
    norm_ = emit_gradient_norm(builder_);
  }

  [[nodiscard]] const LayerKind& kind_of(LayerId layer) const {
    return layer.value() < dense_layers_ ? dense_ : moe_;
  }

  /// Passes over a fresh forward block, its backward block, and the passes over both.
  PassBlocks finish(Block forward, const std::vector<const WeightGroup*>& groups) {
    const bool sequence_parallel = job_.parallelism.sequence_parallel && job_.parallelism.tp > 1;
    if (sequence_parallel) apply_sequence_parallel(builder_, forward);
    Block backward = derive_backward(builder_, forward);
    if (builder_.conventions().regather_sequence) gather_again(builder_, forward, backward, GroupKind::tp);
    gather_again(builder_, forward, backward, GroupKind::cp);
    const bool is_layer = forward.kind == BlockKind::dense_layer || forward.kind == BlockKind::moe_layer;
    if (is_layer) apply_recompute(builder_, forward, backward);
    for (const WeightGroup* group : groups) apply_zero(builder_, *group, forward, backward);
    if (!builder_.conventions().fused_accumulation) separate_accumulation(builder_, backward);
    if (builder_.conventions().gradient_placeholders) add_placeholders(builder_, backward);
    mark_saved(builder_, forward, backward);
    std::optional<Block> weight;
    if (splits_backward()) weight = split_backward(builder_, backward);
    PassBlocks blocks;
    blocks.forward = builder_.add(std::move(forward));
    blocks.backward = builder_.add(std::move(backward));
    if (weight) blocks.weight = builder_.add(*std::move(weight));
    return blocks;
  }

  // ---- stages

  StageProgram build_stage(StageId s) {
    StageProgram stage;
    for (std::size_t c = 0; c < layout_[s.at()].size(); ++c) stage.chunks.push_back(build_chunk(s, c));
    fill_prologue(stage, s);
    fill_epilogue(stage, s);
    const ScheduleShape shape{.kind = job_.training.schedule,
                              .stages = stages(),
                              .chunks = job_.parallelism.vp,
                              .micro_batches = builder_.program().micro_batches};
    stage.order = stage_order(shape, s);
    return stage;
  }

  [[nodiscard]] std::int64_t piece(StageId s, std::size_t chunk) const {
    return static_cast<std::int64_t>(chunk) * stages() + s.value();
  }
  [[nodiscard]] bool holds_embedding(StageId s, std::size_t chunk) const { return piece(s, chunk) == 0; }
  [[nodiscard]] bool holds_head(StageId s, std::size_t chunk) const {
    return piece(s, chunk) == pieces() - 1;
  }

  Chunk build_chunk(StageId s, std::size_t c) {
    const LayerRange& range = layout_[s.at()][c];
    const LayerId end(range.first.value() + static_cast<std::int32_t>(range.count));
    Chunk chunk;
    chunk.forward.push_back(holds_embedding(s, c) ? BlockCall{embedding_pass_.forward, LayerId(0)}
                                                  : BlockCall{pipeline_.receive_forward, range.first});
    for (LayerId layer = range.first; layer < end; ++layer) {
      chunk.forward.push_back({kind_of(layer).pass.forward, layer});
    }
    chunk.forward.push_back(holds_head(s, c) ? BlockCall{head_pass_.forward, last_layer()}
                                             : BlockCall{pipeline_.send_forward, end});

    chunk.backward.push_back(holds_head(s, c) ? BlockCall{head_pass_.backward, last_layer()}
                                              : BlockCall{pipeline_.receive_backward, end});
    for (std::int32_t layer = end.value() - 1; layer >= range.first.value(); --layer) {
      chunk.backward.push_back({kind_of(LayerId(layer)).pass.backward, LayerId(layer)});
    }
    chunk.backward.push_back(holds_embedding(s, c) ? BlockCall{embedding_pass_.backward, LayerId(0)}
                                                   : BlockCall{pipeline_.send_backward, range.first});
    if (splits_backward()) chunk.weight = weight_block_calls(s, c);
    if (job_.training.overlap.dp) overlap_sync(chunk, s, c);
    return chunk;
  }

  /// In the order in which backward leaves their inputs.
  [[nodiscard]] std::vector<BlockCall> weight_block_calls(StageId s, std::size_t c) const {
    const LayerRange& range = layout_[s.at()][c];
    std::vector<BlockCall> block_calls;
    if (holds_head(s, c)) block_calls.push_back({head_pass_.last(), last_layer()});
    for (std::int64_t i = range.count - 1; i >= 0; --i) {
      const LayerId layer(range.first.value() + static_cast<std::int32_t>(i));
      block_calls.push_back({kind_of(layer).pass.last(), layer});
    }
    if (holds_embedding(s, c)) block_calls.push_back({embedding_pass_.last(), LayerId(0)});
    return block_calls;
  }

  // ---- gradient synchronisation

  /// What one synchronisation covers, and the visit after which its gradients are complete.
  struct SyncPoint {
    std::string name;
    std::vector<SyncUnit> units;
    LayerId layer;      // the lowest it covers
    BlockId completes;  // with `layer`: the visit
  };

  [[nodiscard]] std::vector<SyncUnit> head_units() const {
    std::vector<SyncUnit> units{{&head_, 1}};
    if (ties_across_stages()) units.push_back({&table_, 1});
    return units;
  }
  [[nodiscard]] std::vector<SyncUnit> embedding_units() const {
    std::vector<SyncUnit> units{{&table_, 1}};
    if (!positions_.weights.empty()) units.push_back({&positions_, 1});
    return units;
  }

  /// The synchronisations of one chunk, in the order in which backward completes them: the head, then the
  /// layers by as many of one kind as a bucket holds, then the embedding. A framework without buckets has one
  /// for all.
  [[nodiscard]] std::vector<SyncPoint> sync_points(StageId s, std::size_t c) const {
    const LayerRange& range = layout_[s.at()][c];
    const Bytes bucket = builder_.conventions().bucket;
    if (bucket == Bytes(0)) return {whole_chunk_sync(s, c)};

    std::vector<SyncPoint> points;
    if (holds_head(s, c)) points.push_back({"head", head_units(), last_layer(), head_pass_.last()});
    for (LayerId end(range.first.value() + static_cast<std::int32_t>(range.count)); end > range.first;) {
      const LayerId top(end.value() - 1);
      const LayerKind& kind = kind_of(top);
      const std::int64_t layers = std::min(layers_per_bucket(kind, bucket), run_below(end, range.first));
      end = LayerId(end.value() - static_cast<std::int32_t>(layers));
      points.push_back(
          {kind.name + " x " + std::to_string(layers), units_of(kind, layers, 0), end, kind.pass.last()});
    }
    if (holds_embedding(s, c)) {
      points.push_back({"embedding", embedding_units(), LayerId(0), embedding_pass_.last()});
    }
    return points;
  }

  [[nodiscard]] std::int64_t layers_per_bucket(const LayerKind& kind, Bytes bucket) const {
    Bytes one_layer;
    for (const WeightGroup* group : kind.groups) one_layer += gradient_bytes(builder_, *group);
    return one_layer > Bytes(0) ? std::max<std::int64_t>(bucket.value() / one_layer.value(), 1) : 1;
  }

  /// Layers of one kind that end at `end` and do not go below `first`.
  [[nodiscard]] std::int64_t run_below(LayerId end, LayerId first) const {
    const bool is_moe = &kind_of(LayerId(end.value() - 1)) == &moe_;
    const std::int64_t lowest = is_moe ? std::max<std::int64_t>(first.value(), dense_layers_) : first.value();
    return end.value() - lowest;
  }

  static std::vector<SyncUnit> units_of(const LayerKind& kind, std::int64_t layers, std::int64_t first) {
    std::vector<SyncUnit> units;
    for (const WeightGroup* group : kind.groups) units.push_back({group, layers, first});
    return units;
  }

  [[nodiscard]] SyncPoint whole_chunk_sync(StageId s, std::size_t c) const {
    const LayerRange& range = layout_[s.at()][c];
    SyncPoint point{
        .name = {}, .units = {}, .layer = range.first, .completes = kind_of(range.first).pass.last()};
    if (holds_head(s, c)) {
      point.units = head_units();
      point.name = "head + ";
    }
    const std::int64_t dense = std::clamp<std::int64_t>(dense_layers_ - range.first.value(), 0, range.count);
    if (dense < range.count) {
      for (const SyncUnit& unit : units_of(moe_, range.count - dense, dense)) point.units.push_back(unit);
      point.name += "moe_layer x " + std::to_string(range.count - dense);
    }
    if (dense > 0) {
      for (const SyncUnit& unit : units_of(dense_, dense, 0)) point.units.push_back(unit);
      point.name += (dense < range.count ? " + dense_layer x " : "dense_layer x ") + std::to_string(dense);
    }
    if (holds_embedding(s, c)) {
      for (const SyncUnit& unit : embedding_units()) point.units.push_back(unit);
      point.name += " + embedding";
      point.completes = embedding_pass_.last();
    }
    return point;
  }

  void overlap_sync(Chunk& chunk, StageId s, std::size_t c) {
    std::vector<BlockCall> with_sync = splits_backward() ? chunk.weight : chunk.backward;
    for (const SyncPoint& point : sync_points(s, c)) {
      const auto block = emit_gradient_sync(builder_, point.units, point.name + " sync");
      if (!block) continue;
      const BlockCall completes{point.completes, point.layer};
      const auto at = std::find(with_sync.begin(), with_sync.end(), completes);
      with_sync.insert(at + 1, BlockCall{*block, point.layer});
    }
    (splits_backward() ? chunk.last_weight : chunk.last_backward) = std::move(with_sync);
  }

  // ---- before and after

  /// The layers at which one stage owns a weight group: one visit of its zero, norm and update blocks each.
  [[nodiscard]] std::vector<LayerId> owned_layers(const WeightGroup& group, StageId s) const {
    const bool first = s.value() == 0;
    const bool last = s.value() == stages() - 1;
    if (&group == &head_) return last ? std::vector{last_layer()} : std::vector<LayerId>{};
    if (&group == &positions_) return first ? std::vector{LayerId(0)} : std::vector<LayerId>{};
    if (&group == &table_) {
      if (first) return {LayerId(0)};
      return last && ties_across_stages() ? std::vector{last_layer()} : std::vector<LayerId>{};
    }
    std::vector<LayerId> layers;
    for (const LayerRange& range : layout_[s.at()]) {
      for (std::int64_t i = 0; i < range.count; ++i) {
        const LayerId layer(range.first.value() + static_cast<std::int32_t>(i));
        const std::vector<const WeightGroup*>& owners = kind_of(layer).groups;
        if (std::find(owners.begin(), owners.end(), &group) != owners.end()) layers.push_back(layer);
      }
    }
    return layers;
  }

  void fill_prologue(StageProgram& stage, StageId s) {
    for (const auto& [group, blocks] : updates_) {
      for (const LayerId layer : owned_layers(*group, s)) stage.prologue.push_back({blocks.zero, layer});
    }
    stage.prologue.push_back({norm_.zero, LayerId(0)});
  }

  void fill_epilogue(StageProgram& stage, StageId s) {
    std::vector<BlockCall>& block_calls = stage.epilogue;
    for (const auto& [group, blocks] : updates_) {
      if (const auto sync = emit_partial_sync(builder_, *group)) {
        for (const LayerId layer : owned_layers(*group, s)) block_calls.push_back({*sync, layer});
      }
    }
    const bool end_stage = s.value() == 0 || s.value() == stages() - 1;
    if (ties_across_stages() && end_stage)
      block_calls.push_back({emit_tied_sync(builder_, table_), LayerId(0)});
    if (!job_.training.overlap.dp) append_syncs(block_calls, s, " sync", emit_gradient_sync);

    for (const auto& [group, blocks] : updates_) {
      if (group == &table_ && s.value() != 0) continue;  // the first stage counts a tied table's norm
      for (const LayerId layer : owned_layers(*group, s)) block_calls.push_back({blocks.norm, layer});
    }
    block_calls.push_back({norm_.reduce, LayerId(0)});
    for (const auto& [group, blocks] : updates_) {
      for (const LayerId layer : owned_layers(*group, s)) block_calls.push_back({blocks.update, layer});
    }
    append_syncs(block_calls, s, " gather", emit_weight_gather);
  }

  template <class Emit>
  void append_syncs(std::vector<BlockCall>& block_calls, StageId s, const std::string& suffix, Emit emit) {
    for (std::size_t c = 0; c < layout_[s.at()].size(); ++c) {
      for (const SyncPoint& point : sync_points(s, c)) {
        if (const auto block = emit(builder_, point.units, point.name + suffix)) {
          block_calls.push_back({*block, point.layer});
        }
      }
    }
  }

  const JobSpec& job_;
  ProgramBuilder builder_;
  std::vector<std::vector<LayerRange>> layout_;
  WeightGroup table_{.prefix = "embedding", .block = "embedding", .per_layer = false};
  WeightGroup positions_{.prefix = "positions", .block = "positions", .per_layer = false};
  WeightGroup dense_group_{.prefix = "layer", .block = "dense_layer"};
  WeightGroup moe_group_{.prefix = "moe", .block = "moe_layer"};
  WeightGroup experts_{.prefix = "experts", .block = "experts", .replicas = GroupKind::expert_dp};
  WeightGroup head_{.prefix = "head", .block = "head", .per_layer = false};
  std::int64_t dense_layers_ = 0;  ///< leading layers with an ordinary FFN
  LayerKind dense_;
  LayerKind moe_;
  PassBlocks embedding_pass_;
  PassBlocks head_pass_;
  PipelineBlocks pipeline_;
  std::vector<std::pair<const WeightGroup*, UpdateBlocks>> updates_;
  NormBlocks norm_;
};

}  // namespace

StepProgram build_step_program(const JobSpec& job) { return StepBuilder(job).build(); }

}  // namespace foreshard
