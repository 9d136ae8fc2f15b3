#include "planner/program/build/emit_update.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

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

/// A flat fp32 optimizer tensor for all weights of the group; from ZeRO-1 on it has a share of each weight.
TensorId optimizer_state(ProgramBuilder& builder, const WeightGroup& group, Derivation derivation,
                         const std::string& suffix) {
  const bool of_experts = group.replicas == GroupKind::expert_dp;
  const std::int32_t tp = of_experts ? builder.shapes().etp : builder.shapes().tp;
  const std::int32_t degree = zero_degree(builder.job(), group);
  Tensor state;
  state.label = group.prefix + suffix;
  state.meaning = {ModelPart::optimizer, TensorItem::states};
  state.derivation = derivation;
  state.of = group.weights;
  state.role = TensorRole::optimizer;
  state.dtype = DType::fp32;
  state.lifetime = Lifetime::step;
  state.per_layer = group.per_layer;
  state.dims = {{.name = DimName::flat,
                 .size = checked_product(share_elements(builder, group), tp, degree),
                 .tp = tp,
                 .dp = degree}};
  return builder.add(std::move(state));
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

Op optimizer_op(ProgramBuilder& builder, const WeightGroup& group) {
  const OptimizerKind kind = builder.job().training.optimizer;
  std::vector<Operand> operands = gradients(builder, group, Access::read);
  operands.push_back(reads(gradient_norm(builder)));
  const bool masters = keeps_masters(builder, group);
  if (masters) {
    operands.push_back(adds_to(optimizer_state(builder, group, Derivation::master, ".master")));
  }
  if (kind != OptimizerKind::sgd) {
    operands.push_back(adds_to(optimizer_state(builder, group, Derivation::first_moment, ".adam_m")));
    operands.push_back(adds_to(optimizer_state(builder, group, Derivation::second_moment, ".adam_v")));
  }
  for (const TensorId id : group.weights) operands.push_back(masters ? writes(id) : adds_to(id));
  return compute_op("update", Component::optimizer, Phase::optimizer,
                    OptimizerUpdate{.kind = kind, .parameters = share_elements(builder, group)},
                    std::move(operands));
}

/// Appends collectives over `group` for `tensors`, split into calls of at most the framework's bucket size.
void append_buckets(const ProgramBuilder& builder, Block& block, CollectiveKind kind, GroupKind group,
                    const std::vector<Operand>& tensors) {
  const Bytes limit = builder.conventions().bucket;
  const bool gathers_weights = kind == CollectiveKind::all_gather;
  std::vector<Operand> bucket;
  Bytes payload;
  const auto flush = [&] {
    if (bucket.empty()) return;
    Op op =
        compute_op(gathers_weights ? "gather weights" : "reduce gradients", Component::gradient_sync,
                   gathers_weights ? Phase::optimizer : Phase::backward_weight,
                   Collective{.kind = kind, .group = group, .reduction = Reduction::sum, .payload = payload},
                   std::exchange(bucket, {}));
    op.lane = lane_of(group);
    if (!builder.job().training.overlap.dp) op.after_compute = op.blocks_compute = true;
    block.ops.push_back(std::move(op));
    payload = Bytes(0);
  };
  for (const Operand& operand : tensors) {
    const Bytes bytes = builder.tensor(operand.tensor).local_bytes();
    if (limit > Bytes(0) && !bucket.empty() && payload + bytes > limit) flush();
    bucket.push_back(operand);
    payload += bytes;
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
    for (std::int64_t layer = unit.first + unit.layers - 1; layer >= unit.first; --layer) {
      for (const TensorId id : unit.group->weights) {
        const TensorId tensor = what == Exchanged::weights ? id : builder.gradient_of(id);
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
    append_buckets(builder, block, kind, replicas, unit_operands(builder, units, replicas, what));
  }
  if (block.ops.empty()) return std::nullopt;
  return builder.add(std::move(block));
}

/// Divides the gradients by the number of replicas, if the framework does that in a pass of its own, and adds
/// the sum of squares of this rank's share to the gradient norm.
Block norm_block(ProgramBuilder& builder, const WeightGroup& group, std::int64_t elements) {
  Block block{.name = group.block + " norm", .kind = BlockKind::clip, .pass = Pass::once, .ops = {}};
  if (builder.conventions().average_pass && replicas_of(builder.job(), group) > 1) {
    block.ops.push_back(compute_op("average gradients", Component::gradient_sync, Phase::optimizer,
                                   Pointwise{PointwiseKind::relayout, elements},
                                   gradients(builder, group, Access::accumulate)));
  }
  std::vector<Operand> squared = gradients(builder, group, Access::read);
  squared.push_back(adds_to(gradient_norm(builder)));
  block.ops.push_back(compute_op("sum of squares", Component::optimizer, Phase::optimizer,
                                 Pointwise{PointwiseKind::sum_squares, share_elements(builder, group)},
                                 std::move(squared)));
  return block;
}

}  // namespace

UpdateBlocks emit_update(ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<Operand> zeroed = gradients(builder, group, Access::write);
  const std::int64_t elements = local_elements(builder, zeroed);
  const BlockId zero =
      single_op_block(builder, group.block + " zero", BlockKind::prologue,
                      compute_op("zero gradients", Component::gradient_sync, Phase::optimizer,
                                 Pointwise{PointwiseKind::zero, elements}, std::move(zeroed)));

  const BlockId norm = builder.add(norm_block(builder, group, elements));

  const BlockId update =
      single_op_block(builder, group.block + " update", BlockKind::update, optimizer_op(builder, group));
  return {zero, norm, update};
}

NormBlocks emit_gradient_norm(ProgramBuilder& builder) {
  const TensorId norm = gradient_norm(builder);
  const BlockId zero = single_op_block(builder, "zero norm", BlockKind::prologue,
                                       compute_op("zero norm", Component::optimizer, Phase::optimizer,
                                                  Pointwise{PointwiseKind::zero, 1}, {writes(norm)}));
  Op reduce = compute_op("all-reduce gradient norm", Component::optimizer, Phase::optimizer,
                         Collective{.kind = CollectiveKind::all_reduce,
                                    .group = GroupKind::world,
                                    .reduction = Reduction::sum,
                                    .payload = builder.tensor(norm).local_bytes()},
                         {adds_to(norm)});
  reduce.lane = Lane::world;
  return {zero, single_op_block(builder, "gradient norm", BlockKind::clip, std::move(reduce))};
}

std::optional<BlockId> emit_gradient_sync(ProgramBuilder& builder, const std::vector<SyncUnit>& units,
                                          const std::string& name) {
  const int stage = builder.job().parallelism.zero;
  if (stage >= 2) return std::nullopt;
  return sync_block(builder, units, name,
                    stage == 0 ? CollectiveKind::all_reduce : CollectiveKind::reduce_scatter);
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
