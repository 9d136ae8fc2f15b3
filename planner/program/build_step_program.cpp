#include <algorithm>
#include <utility>

#include "planner/program/derive_backward.hpp"
#include "planner/program/emit.hpp"
#include "planner/program/emit_forward.hpp"
#include "planner/program/emit_pipeline.hpp"
#include "planner/program/emit_update.hpp"
#include "planner/program/passes/recompute.hpp"
#include "planner/program/passes/sequence_parallel.hpp"
#include "planner/program/passes/zero.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/program/stage_layout.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

namespace {

/// A forward block and the backward block derived from it.
struct PassPair {
  BlockId forward;
  BlockId backward;
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
  [[nodiscard]] bool ties_across_stages() const { return job_.model.tied_embeddings && stages() > 1; }

  // ---- blocks

  void emit_blocks() {
    Block embedding = emit_embedding(builder_, table_, positions_);
    Block layer = emit_dense_layer(builder_, layer_);
    Block head = emit_head(builder_, head_, table_);
    embedding_pass_ = finish(std::move(embedding), {&table_, &positions_});
    layer_pass_ = finish(std::move(layer), {&layer_});
    head_pass_ = finish(std::move(head), {&head_, &table_});
    for (const WeightGroup* group : {&table_, &positions_, &layer_, &head_}) {
      if (group->weights.empty()) continue;
      cut_weights(builder_, *group);
      updates_.emplace_back(group, emit_update(builder_, *group));
    }
    norm_ = emit_gradient_norm(builder_);
  }

  /// Passes over a fresh forward block, its backward block, and the passes over both.
  PassPair finish(Block forward, const std::vector<const WeightGroup*>& groups) {
    const bool sequence_parallel = job_.parallelism.sequence_parallel && job_.parallelism.tp > 1;
    if (sequence_parallel) apply_sequence_parallel(builder_, forward);
    Block backward = derive_backward(builder_, forward);
    if (sequence_parallel && builder_.conventions().regather_sequence)
      gather_again(builder_, forward, backward);
    if (forward.kind == BlockKind::dense_layer) apply_recompute(builder_, forward, backward);
    for (const WeightGroup* group : groups) apply_zero(builder_, *group, forward, backward);
    mark_saved(builder_, forward, backward);
    const BlockId forward_id = builder_.add(std::move(forward));
    return {forward_id, builder_.add(std::move(backward))};
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
    chunk.forward.push_back(holds_embedding(s, c) ? Visit{embedding_pass_.forward, LayerId(0)}
                                                  : Visit{pipeline_.receive_forward, range.first});
    for (LayerId layer = range.first; layer < end; ++layer)
      chunk.forward.push_back({layer_pass_.forward, layer});
    chunk.forward.push_back(holds_head(s, c) ? Visit{head_pass_.forward, last_layer()}
                                             : Visit{pipeline_.send_forward, end});

    chunk.backward.push_back(holds_head(s, c) ? Visit{head_pass_.backward, last_layer()}
                                              : Visit{pipeline_.receive_backward, end});
    for (std::int32_t layer = end.value() - 1; layer >= range.first.value(); --layer) {
      chunk.backward.push_back({layer_pass_.backward, LayerId(layer)});
    }
    chunk.backward.push_back(holds_embedding(s, c) ? Visit{embedding_pass_.backward, LayerId(0)}
                                                   : Visit{pipeline_.send_backward, range.first});
    if (job_.training.overlap.dp) overlap_sync(chunk, s, c);
    return chunk;
  }

  // ---- gradient synchronisation

  /// What one synchronisation covers, and the backward visit after which its gradients are complete.
  struct SyncPoint {
    std::string name;
    std::vector<SyncUnit> units;
    LayerId layer;      // the lowest it covers
    BlockId completes;  // with `layer`: the backward visit
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
  /// layers by as many as a bucket holds, then the embedding. A framework without buckets has one for all.
  [[nodiscard]] std::vector<SyncPoint> sync_points(StageId s, std::size_t c) const {
    const LayerRange& range = layout_[s.at()][c];
    const Bytes bucket = builder_.conventions().bucket;
    if (bucket == Bytes(0)) return {whole_chunk_sync(s, c)};
    const Bytes one_layer = gradient_bytes(builder_, layer_);
    const std::int64_t per_bucket = std::max<std::int64_t>(bucket.value() / one_layer.value(), 1);

    std::vector<SyncPoint> points;
    if (holds_head(s, c)) points.push_back({"head", head_units(), last_layer(), head_pass_.backward});
    for (std::int64_t left = range.count; left > 0;) {
      const std::int64_t layers = std::min(per_bucket, left);
      left -= layers;
      const LayerId lowest(range.first.value() + static_cast<std::int32_t>(left));
      points.push_back(
          {"dense_layer x " + std::to_string(layers), {{&layer_, layers}}, lowest, layer_pass_.backward});
    }
    if (holds_embedding(s, c)) {
      points.push_back({"embedding", embedding_units(), LayerId(0), embedding_pass_.backward});
    }
    return points;
  }

  [[nodiscard]] SyncPoint whole_chunk_sync(StageId s, std::size_t c) const {
    const LayerRange& range = layout_[s.at()][c];
    SyncPoint point{.name = {}, .units = {}, .layer = range.first, .completes = layer_pass_.backward};
    if (holds_head(s, c)) {
      point.units = head_units();
      point.name = "head + ";
    }
    point.units.push_back({&layer_, range.count});
    point.name += "dense_layer x " + std::to_string(range.count);
    if (holds_embedding(s, c)) {
      for (const SyncUnit& unit : embedding_units()) point.units.push_back(unit);
      point.name += " + embedding";
      point.completes = embedding_pass_.backward;
    }
    return point;
  }

  void overlap_sync(Chunk& chunk, StageId s, std::size_t c) {
    std::vector<Visit> with_sync = chunk.backward;
    for (const SyncPoint& point : sync_points(s, c)) {
      const auto block = emit_gradient_sync(builder_, point.units, point.name + " sync");
      if (!block) return;
      const Visit completes{point.completes, point.layer};
      const auto at = std::find(with_sync.begin(), with_sync.end(), completes);
      with_sync.insert(at + 1, Visit{*block, point.layer});
    }
    chunk.last_backward = std::move(with_sync);
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
        layers.emplace_back(range.first.value() + static_cast<std::int32_t>(i));
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
    std::vector<Visit>& visits = stage.epilogue;
    for (const auto& [group, blocks] : updates_) {
      if (const auto sync = emit_sequence_sync(builder_, *group)) {
        for (const LayerId layer : owned_layers(*group, s)) visits.push_back({*sync, layer});
      }
    }
    const bool end_stage = s.value() == 0 || s.value() == stages() - 1;
    if (ties_across_stages() && end_stage) visits.push_back({emit_tied_sync(builder_, table_), LayerId(0)});
    if (!job_.training.overlap.dp) append_syncs(visits, s, " sync", emit_gradient_sync);

    for (const auto& [group, blocks] : updates_) {
      if (group == &table_ && s.value() != 0) continue;  // the first stage counts a tied table's norm
      for (const LayerId layer : owned_layers(*group, s)) visits.push_back({blocks.norm, layer});
    }
    visits.push_back({norm_.reduce, LayerId(0)});
    for (const auto& [group, blocks] : updates_) {
      for (const LayerId layer : owned_layers(*group, s)) visits.push_back({blocks.update, layer});
    }
    append_syncs(visits, s, " gather", emit_weight_gather);
  }

  template <class Emit>
  void append_syncs(std::vector<Visit>& visits, StageId s, const std::string& suffix, Emit emit) {
    for (std::size_t c = 0; c < layout_[s.at()].size(); ++c) {
      for (const SyncPoint& point : sync_points(s, c)) {
        if (const auto block = emit(builder_, point.units, point.name + suffix)) {
          visits.push_back({*block, point.layer});
        }
      }
    }
  }

  const JobSpec& job_;
  ProgramBuilder builder_;
  std::vector<std::vector<LayerRange>> layout_;
  WeightGroup table_{.prefix = "embedding", .block = "embedding", .weights = {}, .per_layer = false};
  WeightGroup positions_{.prefix = "positions", .block = "positions", .weights = {}, .per_layer = false};
  WeightGroup layer_{.prefix = "layer", .block = "dense_layer", .weights = {}, .per_layer = true};
  WeightGroup head_{.prefix = "head", .block = "head", .weights = {}, .per_layer = false};
  PassPair embedding_pass_;
  PassPair layer_pass_;
  PassPair head_pass_;
  PipelineBlocks pipeline_;
  std::vector<std::pair<const WeightGroup*, UpdateBlocks>> updates_;
  NormBlocks norm_;
};

}  // namespace

StepProgram build_step_program(const JobSpec& job) { return StepBuilder(job).build(); }

}  // namespace foreshard
