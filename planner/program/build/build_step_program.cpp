#include "planner/program/build/build_step_program.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/build/emit_casts.hpp"
#include "planner/program/build/emit_layers.hpp"
#include "planner/program/build/emit_update.hpp"
#include "planner/program/build/end_blocks.hpp"
#include "planner/program/build/recomputed_layers.hpp"
#include "planner/program/build/stage_layout.hpp"
#include "planner/program/build/sync_points.hpp"
#include "planner/program/build/weight_lag.hpp"
#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_pipeline.hpp"
#include "planner/program/ops/op_flops.hpp"
#include "planner/program/passes/gathered_copies.hpp"
#include "planner/program/passes/host_waits.hpp"
#include "planner/program/passes/offload.hpp"
#include "planner/program/passes/quantise.hpp"
#include "planner/program/passes/zero.hpp"
#include "planner/program/schedule/schedule.hpp"
#include "planner/topology/device_mesh.hpp"

namespace foreshard {

namespace {

/// Emits each block once and puts the stages together from calls of these blocks.
class StepBuilder {
 public:
  explicit StepBuilder(const JobSpec& job) : job_(job), builder_(job), layers_(job), end_(job) {}

  StepProgram build() {
    hidden_stream(builder_);
    hidden_gradient(builder_);
    emit_passes();
    placement_ = stage_layout(job_, forward_costs());
    if (!std::holds_alternative<AllLayers>(job_.training.recompute_layers))
      layers_.emit_kept(builder_, recomputed_layers(job_.training.recompute_layers, placement_));
    emit_updates();
    emit_transfers();
    builder_.program().groups = DeviceMesh(job_.parallelism).groups();
    builder_.program().steps_overlap = job_.training.optimizer_post_validation;
    for (std::int64_t s = 0; s < stages(); ++s) {
      builder_.program().stages.push_back(build_stage(StageId(static_cast<std::int32_t>(s))));
    }
    add_held_buffers(builder_, gathered_elements());
    size_host_copies(builder_.program());
    add_sequence_copies(job_, builder_.program());
    add_host_waits(job_, builder_.program());
    return std::move(builder_.program());
  }

 private:
  [[nodiscard]] std::int64_t stages() const { return job_.parallelism.pp; }
  [[nodiscard]] LayerId last_layer() const { return LayerId(static_cast<std::int32_t>(job_.model.layers)); }
  /// The stage with a second copy of the trained token table, if there is one.
  [[nodiscard]] std::optional<StageId> table_copy() const {
    // In a V the last piece is on the first stage, where the table is.
    const std::int64_t stage = runs_in_v(job_.training.schedule) ? 0 : job_.parallelism.table_copy_stage();
    if ((!job_.model.tied_embeddings && !end_.has_mtp()) || stage == 0 || job_.lora) return std::nullopt;
    return StageId(static_cast<std::int32_t>(stage));
  }

  // ---- blocks

  void emit_passes() {
    embedding_pass_ =
        finish_passes(builder_, emit_embedding(builder_, table_, positions_), {&table_, &positions_});
    layers_.emit(builder_);
    end_.emit(builder_, layers_, table_);
  }

  void emit_updates() {
    for (const WeightGroup* group : all_groups()) {
      cut_weights(builder_, *group);
      if (!group->weights.empty()) updates_.emplace_back(group, emit_update(builder_, *group));
    }
    if (!job_.training.optimizer_in_backward) norm_ = emit_gradient_norm(builder_);
    emit_copies();
  }

  void emit_copies() {
    const std::optional<QuantiserRules> rules = quantiser_rules(job_);
    if (!rules) return;
    for (const WeightGroup* group : all_groups()) {
      if (const auto casts = emit_weight_casts(builder_, *rules, *group)) casts_.emplace_back(group, *casts);
    }
    if (rules->delayed) magnitudes_ = emit_magnitudes(builder_, magnitudes_of_chunk());
  }

  /// Transformer Engine keeps three magnitudes of each product in forward (input, weight, output) and two in
  /// backward (gradients of output and input), for every module of a chunk.
  [[nodiscard]] std::int64_t magnitudes_of_chunk() {
    std::int64_t products = 0;
    for (LayerId layer(0); layer < last_layer(); ++layer) {
      const std::vector<Op>& ops = builder_.program().block(layers_.passes(layer).forward).ops;
      products += std::count_if(ops.begin(), ops.end(), is_low_product);
    }
    return std::max<std::int64_t>(1, ceil_divide(5 * products, stages() * job_.parallelism.vp));
  }

  /// All weight groups, in the order in which the optimizer updates them.
  [[nodiscard]] std::vector<const WeightGroup*> all_groups() const {
    std::vector<const WeightGroup*> groups{&table_, &positions_};
    for (const LayerWeights& weights : layers_.all_weights()) {
      for (const WeightGroup* group : weights.groups()) groups.push_back(group);
    }
    for (const WeightGroup* group : end_.groups()) groups.push_back(group);
    return groups;
  }

  /// Of the first stage.
  [[nodiscard]] GatheredElements gathered_elements() const {
    GatheredElements gathered;
    for (const WeightGroup* group : all_groups()) {
      std::int64_t whole = 0;
      for (const std::vector<TensorId>* weights : {&group->weights, &group->frozen}) {
        for (const TensorId id : *weights) {
          Tensor weight = builder_.tensor(id);
          zero_dim(weight).dp = 1;
          whole += weight.local_elements();
        }
      }
      const auto layers = static_cast<std::int64_t>(owned_layers(*group, StageId(0)).size());
      gathered.all += checked_product(layers, whole);
      if (group->per_layer && layers > 0) gathered.largest = std::max(gathered.largest, whole);
    }
    return gathered;
  }

  [[nodiscard]] Flops forward_flops(BlockId forward) {
    Flops sum;
    for (const Op& op : builder_.program().block(forward).ops) sum += op_flops(op).hardware;
    return sum;
  }

  [[nodiscard]] ForwardCosts forward_costs() {
    ForwardCosts costs{.layers = {}, .end = {}, .has_mtp = end_.has_mtp()};
    for (LayerId layer(0); layer < last_layer(); ++layer)
      costs.layers.push_back(forward_flops(layers_.passes(layer).forward));
    const ModelPiece whole{
        .stage = {}, .chunk = {}, .layers = {}, .has_head = true, .has_mtp = end_.has_mtp()};
    for (const BlockCall& block_call : end_.forward(whole)) costs.end += forward_flops(block_call.block);
    return costs;
  }

  // ---- stages

  StageProgram build_stage(StageId s) {
    StageProgram stage;
    for (std::size_t c = 0; c < placement_.chunks(s); ++c)
      stage.chunks.push_back(build_chunk(placement_.index(s, ChunkId(c))));
    fill_prologue(stage, s);
    fill_epilogue(stage, s);
    const ScheduleShape shape{.kind = job_.training.schedule,
                              .stages = stages(),
                              .chunks = job_.parallelism.vp,
                              .micro_batches = builder_.program().micro_batches,
                              .in_turns = job_.training.overlap.ep == EpOverlap::in_turns,
                              .weight_lag = weight_lag(job_, builder_.program(), layers_.passes(LayerId(0)))};
    stage.order = stage_order(shape, s);
    return stage;
  }

  /// Emits the transfer blocks for each direction in which activations go from one piece to the next.
  void emit_transfers() {
    for (std::size_t i = 0; i < placement_.pieces().size(); ++i) {
      const std::optional<PipelineTransfer> transfer = transfer_behind(i);
      if (transfer && !transfers_.contains(*transfer))
        transfers_.emplace(*transfer, emit_pipeline(builder_, *transfer));
    }
  }

  /// The transfer between a piece and the next one; none if both are on one stage.
  [[nodiscard]] std::optional<PipelineTransfer> transfer_behind(std::size_t piece) const {
    const std::optional<Peer> way = placement_.way_on(piece);
    if (!way) return std::nullopt;
    return PipelineTransfer{*way, end_.streams_behind(placement_.pieces()[piece])};
  }

  /// The blocks of that transfer, or null.
  [[nodiscard]] const PipelineBlocks* transfers_behind(std::size_t piece) const {
    const std::optional<PipelineTransfer> transfer = transfer_behind(piece);
    return transfer ? &transfers_.at(*transfer) : nullptr;
  }

  Chunk build_chunk(std::size_t index) {
    const ModelPiece& piece = placement_.pieces()[index];
    const LayerRange& range = piece.layers;
    const PipelineBlocks* before = index > 0 ? transfers_behind(index - 1) : nullptr;
    const PipelineBlocks* behind = transfers_behind(index);
    Chunk chunk;
    if (piece.has_embedding) chunk.forward.push_back({embedding_pass_.forward, LayerId(0)});
    if (before != nullptr) chunk.forward.push_back({before->receive_forward, range.first});
    for (LayerId layer = range.first; layer < range.end(); ++layer)
      chunk.forward.push_back({layers_.passes(layer).forward, layer});
    if (magnitudes_ && magnitudes_->reduce && range.first < range.end())
      chunk.forward.push_back({*magnitudes_->reduce, range.first});
    append(chunk.forward, end_.forward(piece));
    if (behind != nullptr) chunk.forward.push_back({behind->send_forward, range.end()});

    if (behind != nullptr) chunk.backward.push_back({behind->receive_backward, range.end()});
    append(chunk.backward, end_.backward(piece));
    for (std::int32_t layer = range.end().value() - 1; layer >= range.first.value(); --layer)
      chunk.backward.push_back({layers_.passes(LayerId(layer)).backward, LayerId(layer)});
    if (magnitudes_ && magnitudes_->reduce && range.first < range.end())
      chunk.backward.push_back({*magnitudes_->reduce, range.first});
    if (piece.has_embedding) chunk.backward.push_back({embedding_pass_.backward, LayerId(0)});
    if (before != nullptr) chunk.backward.push_back({before->send_backward, range.first});
    if (job_.training.optimizer_in_backward) insert_updates(chunk.backward);
    if (splits_backward(job_.training.schedule)) chunk.weight = weight_block_calls(piece);
    if (job_.training.overlap.dp) overlap_sync(chunk, piece);
    if (gathers_at_start(job_)) {
      chunk.first_forward = with_casts(chunk.forward, casts_, [&](const auto& block_call, const auto& group) {
        return is_forward_of(block_call, group);
      });
    }
    return chunk;
  }

  /// True if this call of a forward block of a layer reads the group's weights.
  [[nodiscard]] bool is_forward_of(const BlockCall& block_call, const WeightGroup& group) const {
    return block_call.layer < last_layer() && block_call.block == layers_.passes(block_call.layer).forward &&
           owns(block_call.layer, group);
  }

  [[nodiscard]] bool owns(LayerId layer, const WeightGroup& group) const {
    const std::vector<const WeightGroup*> owners = layers_.weights(layer).groups();
    return std::find(owners.begin(), owners.end(), &group) != owners.end();
  }

  static void append(std::vector<BlockCall>& block_calls, const std::vector<BlockCall>& more) {
    block_calls.insert(block_calls.end(), more.begin(), more.end());
  }

  /// Puts the updates of a block's weights behind each call of its backward block.
  void insert_updates(std::vector<BlockCall>& backward) {
    std::vector<BlockCall> with_updates;
    for (const BlockCall& block_call : backward) {
      with_updates.push_back(block_call);
      for (const auto& [group, blocks] : updates_) {
        if (updates_in_backward(builder_, *group) && completes(block_call, *group))
          with_updates.push_back({blocks.update, block_call.layer});
      }
    }
    backward = std::move(with_updates);
  }

  /// True if the gradients of the group's weights are complete after this call of a backward block.
  [[nodiscard]] bool completes(const BlockCall& block_call, const WeightGroup& group) const {
    const std::vector<const WeightGroup*> ends = end_.groups();
    if (std::find(ends.begin(), ends.end(), &group) != ends.end())
      return block_call.block == end_.head_last();
    if (&group == &table_ || &group == &positions_) return block_call.block == embedding_pass_.backward;
    if (block_call.layer >= last_layer() || block_call.block != layers_.passes(block_call.layer).backward)
      return false;
    return owns(block_call.layer, group);
  }

  /// The calls of the piece's weight pass, in the order in which backward writes their inputs.
  [[nodiscard]] std::vector<BlockCall> weight_block_calls(const ModelPiece& piece) const {
    std::vector<BlockCall> block_calls = end_.weight(piece);
    for (std::int32_t layer = piece.layers.end().value() - 1; layer >= piece.layers.first.value(); --layer)
      block_calls.push_back({layers_.passes(LayerId(layer)).last(), LayerId(layer)});
    if (piece.has_embedding) block_calls.push_back({embedding_pass_.last(), LayerId(0)});
    return block_calls;
  }

  // ---- gradient synchronisation

  [[nodiscard]] ModelEnds ends() const {
    ModelEnds ends{.head_units = end_.head_units(),
                   .head_last = end_.head_last(),
                   .mtp_units = end_.mtp_units(),
                   .mtp_last = end_.mtp_last(),
                   .embedding_units = {{&table_, 1}},
                   .embedding_last = embedding_pass_.last(),
                   .last_layer = last_layer()};
    if (table_copy()) (end_.has_mtp() ? ends.mtp_units : ends.head_units).push_back({&table_, 1});
    if (!positions_.weights.empty()) ends.embedding_units.push_back({&positions_, 1});
    return ends;
  }

  void overlap_sync(Chunk& chunk, const ModelPiece& piece) {
    std::vector<BlockCall> with_sync =
        splits_backward(job_.training.schedule) ? chunk.weight : chunk.backward;
    for (const SyncPoint& point : sync_points(builder_, layers_, ends(), piece, job_.bucket())) {
      const auto block = emit_gradient_sync(builder_, point.units, point.name + " sync");
      if (!block) continue;
      const BlockCall completes{point.completes, point.layer};
      const auto at = std::find(with_sync.begin(), with_sync.end(), completes);
      with_sync.insert(at + 1, BlockCall{*block, point.layer});
    }
    (splits_backward(job_.training.schedule) ? chunk.last_weight : chunk.last_backward) =
        std::move(with_sync);
  }

  // ---- before and after

  /// The layers for which one stage owns a weight group. The group's zero, norm and update blocks are called
  /// once for each.
  [[nodiscard]] std::vector<LayerId> owned_layers(const WeightGroup& group, StageId s) const {
    const bool first = s.value() == 0;
    if (&group == &positions_) return first ? std::vector{LayerId(0)} : std::vector<LayerId>{};
    if (&group == &table_) {
      if (first) return {LayerId(0)};
      return s == table_copy() ? std::vector{last_layer()} : std::vector<LayerId>{};
    }
    std::vector<LayerId> layers;
    const auto add_if_owner = [&](LayerId layer) {
      if (owns(layer, group)) layers.push_back(layer);
    };
    for (std::size_t c = 0; c < placement_.chunks(s); ++c) {
      const ModelPiece& piece = placement_.piece(s, ChunkId(c));
      for (LayerId layer = piece.layers.first; layer < piece.layers.end(); ++layer) add_if_owner(layer);
      if (piece.has_mtp) {
        for (const LayerId layer : end_.mtp_layers()) add_if_owner(layer);
      }
      for (const LayerId layer : end_.owned(group, piece)) layers.push_back(layer);
    }
    return layers;
  }

  void fill_prologue(StageProgram& stage, StageId s) {
    for (const auto& [group, blocks] : updates_) {
      if (!blocks.zero) continue;
      for (const LayerId layer : owned_layers(*group, s)) stage.prologue.push_back({*blocks.zero, layer});
    }
    if (norm_) stage.prologue.push_back({norm_->zero, LayerId(0)});
    if (magnitudes_) stage.prologue.push_back({magnitudes_->zero, LayerId(0)});
    if (gathers_at_start(job_)) {
      append_syncs(stage.prologue, s, " gather", emit_weight_gather, gather_bucket(job_),
                   SyncOrder::of_forward);
      append_casts(stage.prologue, s,
                   [&](const WeightCasts&, LayerId layer) { return layer >= last_layer(); });
    } else {
      append_casts(stage.prologue, s, [](const WeightCasts& casts, LayerId) { return !casts.after_gather; });
    }
  }

  template <class Wanted>
  void append_casts(std::vector<BlockCall>& block_calls, StageId s, Wanted wanted) {
    for (const auto& [group, casts] : casts_) {
      for (const LayerId layer : owned_layers(*group, s))
        if (wanted(casts, layer)) block_calls.push_back({casts.block, layer});
    }
  }

  void fill_epilogue(StageProgram& stage, StageId s) {
    std::vector<BlockCall>& block_calls = stage.epilogue;
    for (const auto& [group, blocks] : updates_) {
      if (const auto sync = emit_partial_sync(builder_, *group)) {
        for (const LayerId layer : owned_layers(*group, s)) block_calls.push_back({*sync, layer});
      }
    }
    if (table_copy() && (s.value() == 0 || s == table_copy()))
      block_calls.push_back({emit_tied_sync(builder_, table_), LayerId(0)});
    if (!job_.training.overlap.dp) append_syncs(block_calls, s, " sync", emit_gradient_sync, job_.bucket());

    for (const auto& [group, blocks] : updates_) {
      if (group == &table_ && s.value() != 0) continue;  // the first stage counts a tied table's norm
      if (!blocks.norm) continue;
      for (const LayerId layer : owned_layers(*group, s)) block_calls.push_back({*blocks.norm, layer});
    }
    if (norm_) {
      for (const BlockId reduce : norm_->reduce) block_calls.push_back({reduce, LayerId(0)});
    }
    for (const auto& [group, blocks] : updates_) {
      if (updates_in_backward(builder_, *group)) continue;
      append_updates(block_calls, blocks, *group, owned_layers(*group, s));
    }
    if (gathers_at_start(job_)) return;
    append_syncs(block_calls, s, " gather", emit_weight_gather, gather_bucket(job_));
    append_casts(block_calls, s, [](const WeightCasts& casts, LayerId) { return casts.after_gather; });
  }

  /// Appends the updates of some layers. Muon takes as many at a time as ranks share an update.
  void append_updates(std::vector<BlockCall>& block_calls, const UpdateBlocks& blocks,
                      const WeightGroup& group, std::span<const LayerId> layers) {
    const auto at_a_time = static_cast<std::size_t>(zero_degree(job_, group));
    while (!layers.empty()) {
      const std::span<const LayerId> some = layers.first(std::min(at_a_time, layers.size()));
      layers = layers.subspan(some.size());
      if (blocks.momentum) {
        std::vector<int> from_first;
        for (const LayerId layer : some) {
          block_calls.push_back({*blocks.momentum, layer});
          from_first.push_back(layer.value() - some.front().value());
        }
        block_calls.push_back({emit_orthogonal(builder_, group, from_first), some.front()});
      }
      for (const LayerId layer : some) block_calls.push_back({blocks.update, layer});
    }
  }

  /// The order in which backward completes gradients, or that in which forward needs weights.
  enum class SyncOrder : std::uint8_t { of_backward, of_forward };

  template <class Emit>
  void append_syncs(std::vector<BlockCall>& block_calls, StageId s, const std::string& suffix, Emit emit,
                    Bytes bucket, SyncOrder order = SyncOrder::of_backward) {
    for (std::size_t c = 0; c < placement_.chunks(s); ++c) {
      std::vector<SyncPoint> points =
          sync_points(builder_, layers_, ends(), placement_.piece(s, ChunkId(c)), bucket);
      if (order == SyncOrder::of_forward) std::reverse(points.begin(), points.end());
      for (const SyncPoint& point : points) {
        if (const auto block = emit(builder_, point.units, point.name + suffix))
          block_calls.push_back({*block, point.layer});
      }
    }
  }

  const JobSpec& job_;
  ProgramBuilder builder_;
  LayerBlocks layers_;
  Placement placement_{{}};
  WeightGroup table_{.prefix = "embedding", .block = "embedding", .per_layer = false};
  WeightGroup positions_{.prefix = "positions", .block = "positions", .per_layer = false};
  PassBlocks embedding_pass_;
  EndBlocks end_;
  std::map<PipelineTransfer, PipelineBlocks> transfers_;
  std::vector<std::pair<const WeightGroup*, UpdateBlocks>> updates_;
  std::optional<NormBlocks> norm_;
  std::vector<GroupCasts> casts_;
  std::optional<MagnitudeBlocks> magnitudes_;
};

}  // namespace

StepProgram build_step_program(const JobSpec& job) { return StepBuilder(job).build(); }

}  // namespace foreshard
