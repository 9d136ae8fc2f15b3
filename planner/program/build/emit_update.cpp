#include "planner/program/build/emit_update.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>
#include <variant>

#include "planner/program/build/emit_cpu_update.hpp"
#include "planner/program/build/emit_muon.hpp"
#include "planner/program/build/optimizer_states.hpp"
#include "planner/program/passes/offload.hpp"
#include "planner/program/passes/quantise.hpp"
#include "planner/program/passes/sequence_parallel.hpp"
#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

std::vector<Operand> gradients(const ProgramBuilder& builder, const WeightGroup& group, Access access) {
  std::vector<Operand> operands;
  for (const TensorId id : group.weights) operands.push_back({builder.gradient_of(id), access, 0});
  return operands;
}

std::int64_t local_elements(const ProgramBuilder& builder, const std::vector<Operand>& operands) {
  return std::accumulate(operands.begin(), operands.end(), std::int64_t{0},
                         [&](std::int64_t sum, const Operand& operand) {
                           return sum + builder.tensor(operand.tensor).local_elements();
                         });
}

TensorId gradient_norm(ProgramBuilder& builder) {
  Tensor norm = tensor_of({ModelPart::optimizer, TensorItem::gradient_norm});
  norm.role = TensorRole::buffer;
  norm.dtype = DType::fp32;
  norm.lifetime = Lifetime::step;
  norm.per_layer = false;
  norm.dims = {{.name = DimName::flat, .size = 1}};
  return builder.add(std::move(norm));
}

BlockId single_op_block(ProgramBuilder& builder, std::string name, BlockKind kind, Op op) {
  Block block{.name = std::move(name), .kind = kind, .pass = Pass::once, .ops = {}};
  block.ops.push_back(std::move(op));
  return builder.add(std::move(block));
}

/// The weights of a group that the job's optimizer updates itself, or AdamW in its place: all, but for Muon
/// only what is no matrix.
std::vector<TensorId> plain_weights(const ProgramBuilder& builder, const WeightGroup& group) {
  const std::vector<TensorId> matrices = muon_matrices(builder, group);
  std::vector<TensorId> plain;
  std::copy_if(group.weights.begin(), group.weights.end(), std::back_inserter(plain), [&](TensorId id) {
    return std::find(matrices.begin(), matrices.end(), id) == matrices.end();
  });
  return plain;
}

/// The optimizer of the weights that Muon leaves to AdamW, or the job's own.
OptimizerKind plain_optimizer(const TrainingSpec& training) {
  return training.optimizer == OptimizerKind::muon ? OptimizerKind::adamw : training.optimizer;
}

/// @param elements of the rank's share of the weights, those that the device updates
Op optimizer_op(ProgramBuilder& builder, const WeightGroup& group, const std::vector<TensorId>& weights,
                std::int64_t elements) {
  const TrainingSpec& training = builder.job().training;
  const OptimizerKind kind = plain_optimizer(training);
  std::vector<Operand> operands;
  for (const TensorId id : weights) operands.push_back(reads(builder.gradient_of(id)));
  // An update in backward comes before the norm of all gradients is known: it does not clip.
  if (!training.optimizer_in_backward) operands.push_back(reads(gradient_norm(builder)));
  const std::vector<Operand> states =
      state_operands(builder, group, weights, kind, {}, StatePart{elements, training.states.paged});
  operands.insert(operands.end(), states.begin(), states.end());
  const bool masters = keeps_masters(builder, group);
  for (const TensorId id : weights) {
    const TensorId updated = updated_weight(builder, id);
    operands.push_back(masters ? writes(updated) : adds_to(updated));
  }
  return compute_op(
      "update", Component::optimizer, Phase::optimizer,
      OptimizerUpdate{.kind = kind, .parameters = elements, .stochastic_rounding = rounds_at_random(builder)},
      std::move(operands));
}

BlockId update_block(ProgramBuilder& builder, const WeightGroup& group) {
  Block block{.name = group.block + " update", .kind = BlockKind::update, .pass = Pass::once, .ops = {}};
  const std::vector<TensorId> plain = plain_weights(builder, group);
  if (!plain.empty()) {
    const std::int64_t share = share_elements(builder, group, plain);
    const std::int64_t on_host = elements_on_host(builder.job(), share);
    if (on_host < share)
      append_paged_update(builder, optimizer_op(builder, group, plain, share - on_host), block);
    if (on_host > 0)
      append_cpu_update(builder, group, plain, plain_optimizer(builder.job().training), on_host,
                        reads(gradient_norm(builder)), block);
  }
  if (!muon_matrices(builder, group).empty()) block.ops.push_back(muon_update(builder, group));
  return builder.add(std::move(block));
}

/// Appends collectives over `group` for `tensors`, split into calls of at most the framework's bucket size.
/// @param parts a call exchanges only this rank's range of each tensor, the largest of so many
void append_buckets(const ProgramBuilder& builder, Block& block, CollectiveKind kind, GroupKind group,
                    const std::vector<Operand>& tensors, std::int64_t parts = 1) {
  const bool gathers_weights = kind == CollectiveKind::all_gather;
  const Bytes limit = gathers_weights ? gather_bucket(builder.job()) : builder.job().bucket();
  const bool lists = builder.conventions().lists_of_buckets && kind != CollectiveKind::all_reduce;
  std::vector<Operand> bucket;
  Bytes whole;
  Bytes payload;
  const auto flush = [&] {
    if (bucket.empty()) return;
    Op op = compute_op(gathers_weights ? "gather weights" : "reduce gradients", Component::gradient_sync,
                       gathers_weights ? Phase::optimizer : Phase::backward_weight,
                       Collective{.kind = kind,
                                  .group = group,
                                  .reduction = Reduction::sum,
                                  .payload = payload,
                                  .lists_shards = lists},
                       std::exchange(bucket, {}));
    op.lane = lane_of(group);
    if (!builder.job().training.overlap.dp) op.after_compute = op.blocks_compute = true;
    block.ops.push_back(std::move(op));
    whole = payload = Bytes(0);
  };
  for (const Operand& operand : tensors) {
    const Tensor& tensor = builder.tensor(operand.tensor);
    if (limit > Bytes(0) && !bucket.empty() && whole + tensor.local_bytes() > limit) flush();
    bucket.push_back(operand);
    whole += tensor.local_bytes();
    payload += bytes_of(tensor.dtype, ceil_divide(tensor.local_elements(), parts));
  }
  flush();
}

/// The tensors of a weight group that a collective exchanges.
enum class Exchanged : std::uint8_t { weights, gradients };

/// The weights or gradients of those units whose replicas are `replicas`, in the order in which backward
/// finishes them.
std::vector<Operand> unit_operands(const ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                   GroupKind replicas, Exchanged what) {
  std::vector<Operand> operands;
  for (const SyncUnit& unit : units) {
    if (unit.group->replicas != replicas || replicas_of(builder.job(), *unit.group) == 1) continue;
    // From ZeRO-2 on, backward blocks scatter what is cut, and all ranks have copies of the rest.
    if (builder.job().parallelism.zero >= 2 && what == Exchanged::gradients &&
        zero_degree(builder.job(), *unit.group) > 1)
      continue;
    for (std::int64_t layer = unit.first + unit.layers - 1; layer >= unit.first; --layer) {
      for (const TensorId id : unit.group->weights) {
        const TensorId tensor =
            what == Exchanged::weights ? updated_weight(builder, id) : builder.gradient_of(id);
        operands.push_back(adds_to(tensor, static_cast<int>(layer)));
      }
    }
  }
  return operands;
}

std::optional<BlockId> sync_block(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                  const std::string& name, CollectiveKind kind) {
  if (const auto known = builder.find_block(name)) return known;
  Block block{.name = name, .kind = BlockKind::sync, .pass = Pass::once, .ops = {}};
  const Exchanged what = kind == CollectiveKind::all_gather ? Exchanged::weights : Exchanged::gradients;
  for (const GroupKind replicas : {GroupKind::dp_cp, GroupKind::expert_dp}) {
    const std::vector<Operand> operands = unit_operands(builder, units, replicas, what);
    if (operands.empty()) continue;
    const WeightGroup like{.prefix = {}, .block = {}, .replicas = replicas};
    const GroupKind members =
        kind == CollectiveKind::all_reduce ? replicas : shard_group(builder.job(), like);
    append_buckets(builder, block, kind, members, operands);
    if (kind == CollectiveKind::reduce_scatter && builder.job().parallelism.shard_copies() > 1)
      append_buckets(builder, block, CollectiveKind::all_reduce, GroupKind::dp_replicate, operands,
                     zero_degree(builder.job(), like));
  }
  if (block.ops.empty()) return std::nullopt;
  return builder.add(std::move(block));
}

/// Divides the gradients by the number of replicas, if the framework does that in a pass of its own, and adds
/// the sum of squares of this rank's share to the gradient norm.
Block norm_block(ProgramBuilder& builder, const WeightGroup& group, std::int64_t elements) {
  Block block{.name = group.block + " norm", .kind = BlockKind::clip, .pass = Pass::once, .ops = {}};
  const bool on_host = gradients_go_to_host(builder);
  // The CPU's optimizer divides in its own pass.
  if (builder.conventions().average_pass && !on_host && replicas_of(builder.job(), group) > 1) {
    block.ops.push_back(compute_op("average gradients", Component::gradient_sync, Phase::optimizer,
                                   Pointwise{PointwiseKind::relayout, elements},
                                   gradients(builder, group, Access::accumulate)));
  }
  std::vector<Operand> squared =
      on_host ? gradients_on_host(builder, group, Access::read) : gradients(builder, group, Access::read);
  squared.push_back(adds_to(gradient_norm(builder)));
  const Pointwise squares{PointwiseKind::sum_squares, share_elements(builder, group)};
  block.ops.push_back(on_host ? cpu_op("sum of squares", Component::optimizer, squares, std::move(squared))
                              : compute_op("sum of squares", Component::optimizer, Phase::optimizer, squares,
                                           std::move(squared)));
  return block;
}

}  // namespace

UpdateBlocks emit_update(ProgramBuilder& builder, const WeightGroup& group) {
  UpdateBlocks blocks;
  const bool on_host = gradients_go_to_host(builder);
  std::vector<Operand> zeroed =
      on_host ? gradients_on_host(builder, group, Access::write) : gradients(builder, group, Access::write);
  const std::int64_t elements = local_elements(builder, zeroed);
  if (on_host) {
    if (adds_gradients_on_host(builder))
      blocks.zero = single_op_block(builder, group.block + " zero", BlockKind::prologue,
                                    cpu_op("zero gradients", Component::gradient_sync,
                                           Pointwise{PointwiseKind::zero, elements}, std::move(zeroed)));
  } else if (!updates_in_backward(builder, group)) {
    blocks.zero = single_op_block(builder, group.block + " zero", BlockKind::prologue,
                                  compute_op("zero gradients", Component::gradient_sync, Phase::optimizer,
                                             Pointwise{PointwiseKind::zero, elements}, std::move(zeroed)));
  }
  if (!builder.job().training.optimizer_in_backward)
    blocks.norm = builder.add(norm_block(builder, group, elements));
  if (!muon_matrices(builder, group).empty())
    blocks.momentum = emit_momentum(builder, group, gradient_norm(builder));
  blocks.update = update_block(builder, group);
  return blocks;
}

bool updates_in_backward(const ProgramBuilder& builder, const WeightGroup& group) {
  if (!builder.job().training.optimizer_in_backward) return false;
  // A tied table has gradients from the head and from the embedding: they are whole until the latter.
  const bool is_tied = builder.job().model.tied_embeddings &&
                       std::any_of(group.weights.begin(), group.weights.end(), [&](TensorId id) {
                         return builder.tensor(id).meaning.item == TensorItem::token_table;
                       });
  return !is_tied;
}

namespace {

/// Lets an all-reduce that adds shards to gradients work on the gradients themselves: what made the shards writes
/// these.
void reduce_in_place(Block& backward, Op& reduce) {
  const std::size_t gradients = reduce.operands.size() / 2;
  std::map<TensorId, TensorId> gradient_of_shard;
  for (std::size_t i = 0; i < gradients; ++i)
    gradient_of_shard[reduce.operands[i].tensor] = reduce.operands[gradients + i].tensor;
  reduce.operands.erase(reduce.operands.begin(),
                        reduce.operands.begin() + static_cast<std::ptrdiff_t>(gradients));
  for (Op& op : backward.ops) {
    for (Operand& operand : op.operands) {
      const auto found = gradient_of_shard.find(operand.tensor);
      if (found != gradient_of_shard.end()) operand.tensor = found->second;
    }
  }
}

/// True for an all-reduce whose result is added to another tensor than the one that it sends.
bool adds_elsewhere(const Op& op) {
  const auto* const collective = std::get_if<Collective>(&op.kind);
  return collective != nullptr && collective->kind == CollectiveKind::all_reduce &&
         op.operands.front().access == Access::read;
}

}  // namespace

void free_gradients(ProgramBuilder& builder, const WeightGroup& group, Block& backward) {
  if (!updates_in_backward(builder, group)) return;
  for (const TensorId id : group.weights) {
    const TensorId gradient = builder.gradient_of(id);
    builder.tensor(gradient).lifetime = Lifetime::layer;
    const auto first = std::find_if(backward.ops.begin(), backward.ops.end(), [&](const Op& op) {
      return std::any_of(op.operands.begin(), op.operands.end(),
                         [&](const Operand& operand) { return operand.tensor == gradient; });
    });
    if (first == backward.ops.end()) continue;
    if (adds_elsewhere(*first)) {
      reduce_in_place(backward, *first);
      continue;
    }
    auto* pointwise = std::get_if<Pointwise>(&first->kind);
    if (pointwise != nullptr && pointwise->kind == PointwiseKind::accumulate)
      pointwise->kind = PointwiseKind::cast;
    for (Operand& operand : first->operands) {
      if (operand.tensor == gradient) operand.access = Access::write;
    }
  }
}

NormBlocks emit_gradient_norm(ProgramBuilder& builder) {
  const TensorId norm = gradient_norm(builder);
  NormBlocks blocks{.zero = single_op_block(builder, "zero norm", BlockKind::prologue,
                                            compute_op("zero norm", Component::optimizer, Phase::optimizer,
                                                       Pointwise{PointwiseKind::zero, 1}, {writes(norm)}))};
  const auto reduce_over = [&](GroupKind group, std::string name) {
    Op reduce = compute_op("all-reduce gradient norm", Component::optimizer, Phase::optimizer,
                           Collective{.kind = CollectiveKind::all_reduce,
                                      .group = group,
                                      .reduction = Reduction::sum,
                                      .payload = builder.tensor(norm).local_bytes()},
                           {adds_to(norm)});
    reduce.lane = lane_of(group);
    blocks.reduce.push_back(single_op_block(builder, std::move(name), BlockKind::clip, std::move(reduce)));
  };
  const ParallelismSpec& p = builder.job().parallelism;
  if (!builder.job().training.optimizer_post_validation) {
    reduce_over(GroupKind::world, "gradient norm");
    return blocks;
  }
  if (p.tp > 1) reduce_over(GroupKind::tp, "gradient norm over tp");
  if (checked_product(p.dp, p.cp) > 1) reduce_over(GroupKind::dp_cp, "gradient norm over replicas");
  return blocks;
}

Bytes gather_bucket(const JobSpec& job) {
  return job.conventions().lists_of_buckets ? Bytes(0) : job.bucket();
}

bool gathers_at_start(const JobSpec& job) {
  const bool gathers = job.parallelism.zero == 1 || job.parallelism.zero == 2;
  return gathers && job.training.overlap.dp && job.training.overlap.gather;
}

std::optional<BlockId> emit_gradient_sync(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name) {
  return sync_block(
      builder, units, name,
      builder.job().parallelism.zero == 1 ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce);
}

std::optional<BlockId> emit_weight_gather(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name) {
  const int stage = builder.job().parallelism.zero;
  if (stage == 0 || stage == 3) return std::nullopt;
  return sync_block(builder, units, name, CollectiveKind::all_gather);
}

std::optional<BlockId> emit_partial_sync(ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<Operand> operands;
  Bytes payload;
  for (const TensorId id : partial_gradient_weights(builder, group)) {
    operands.push_back(adds_to(builder.gradient_of(id)));
    payload += builder.tensor(operands.back().tensor).local_bytes();
  }
  if (operands.empty()) return std::nullopt;
  Op op = compute_op("all-reduce partial gradients", Component::gradient_sync, Phase::backward_weight,
                     Collective{.kind = CollectiveKind::all_reduce,
                                .group = GroupKind::tp,
                                .reduction = Reduction::sum,
                                .payload = payload},
                     std::move(operands));
  op.lane = Lane::tp;
  return single_op_block(builder, group.block + " partial sync", BlockKind::sync, std::move(op));
}

BlockId emit_tied_sync(ProgramBuilder& builder, const WeightGroup& table) {
  const TensorId gradient = builder.gradient_of(table.weights.front());
  Op op = compute_op("all-reduce tied table", Component::gradient_sync, Phase::backward_weight,
                     Collective{.kind = CollectiveKind::all_reduce,
                                .group = GroupKind::tied,
                                .reduction = Reduction::sum,
                                .payload = builder.tensor(gradient).local_bytes()},
                     {adds_to(gradient)});
  op.lane = Lane::tied;
  return single_op_block(builder, "tied sync", BlockKind::sync, std::move(op));
}

Bytes gradient_bytes(const ProgramBuilder& builder, const WeightGroup& group) {
  Bytes total;
  for (const TensorId id : group.weights) total += builder.tensor(builder.gradient_of(id)).local_bytes();
  return total;
}

}  // namespace foreshard
