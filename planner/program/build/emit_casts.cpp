#include "planner/program/build/emit_casts.hpp"

#include <utility>

#include "planner/program/passes/quantise.hpp"
#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

/// Collects the operations that make one group's copies.
class WeightCastBlock {
 public:
  WeightCastBlock(ProgramBuilder& builder, const QuantiserRules& rules, const WeightGroup& group)
      : builder_(builder), rules_(rules), group_(group) {
    like_.component = Component::optimizer;
    like_.phase = Phase::optimizer;
  }

  std::optional<WeightCasts> emit() {
    for (const TensorId id : group_.weights) cast(id, updated_weight(builder_, id));
    // Nobody updates a frozen weight: what is kept of it in 8 bits is its only copy.
    for (const TensorId id : group_.frozen) cast(id, id);
    if (casts_.empty()) return std::nullopt;
    Block block{
        .name = group_.block + " quantise", .kind = BlockKind::prologue, .pass = Pass::once, .ops = {}};
    block.ops = std::move(measures_);
    if (!shared_.empty() && zero_degree(builder_.job(), group_) > 1) block.ops.push_back(share());
    for (Op& op : casts_) block.ops.push_back(std::move(op));
    return WeightCasts{builder_.add(std::move(block)), after_gather_};
  }

 private:
  /// @param source  holds the weight's updated value before it is quantised
  void cast(TensorId id, TensorId source) {
    const std::optional<TensorId> across = builder_.known(Derivation::quantised_across, id);
    if (is_scaled(builder_.tensor(id).dtype)) {
      if (source != id) {
        after_gather_ = true;
        quantise(source, {id, *across});
      } else if (across && builder_.tensor(*across).lifetime == Lifetime::step) {
        casts_.push_back(transpose_op(builder_, like_, id, *across));
      }
      return;
    }
    std::vector<TensorId> copies;
    for (const auto& copy : {builder_.known(Derivation::quantised, id), across}) {
      if (copy && builder_.tensor(*copy).lifetime == Lifetime::step) copies.push_back(*copy);
    }
    if (!copies.empty()) quantise(id, copies);
  }

  void quantise(TensorId from, const std::vector<TensorId>& copies) {
    std::optional<TensorId> largest;
    if (rules_.measures) {
      largest = largest_of(builder_, from, Lifetime::block);
      measures_.push_back(amax_op(builder_, like_, reads(from), *largest));
      if (builder_.job().parallelism.zero == 3) shared_.push_back(*largest);
    }
    casts_.push_back(quantise_op(builder_, like_, reads(from), largest, copies));
  }

  /// Ranks that hold shares of a weight scale them alike.
  Op share() {
    std::vector<Operand> operands;
    for (const TensorId id : shared_) operands.push_back(adds_to(id));
    Op op =
        compute_op("all-reduce largest weights", like_.component, like_.phase,
                   Collective{.kind = CollectiveKind::all_reduce,
                              .group = group_.replicas,
                              .reduction = Reduction::max,
                              .payload = bytes_of(DType::fp32, static_cast<std::int64_t>(shared_.size()))},
                   std::move(operands));
    op.lane = lane_of(group_.replicas);
    return op;
  }

  ProgramBuilder& builder_;
  const QuantiserRules& rules_;
  const WeightGroup& group_;
  Op like_;
  std::vector<Op> measures_;
  std::vector<Op> casts_;
  std::vector<TensorId> shared_;
  bool after_gather_ = false;
};

}  // namespace

std::optional<WeightCasts> emit_weight_casts(ProgramBuilder& builder, const QuantiserRules& rules,
                                             const WeightGroup& group) {
  return WeightCastBlock(builder, rules, group).emit();
}

std::vector<BlockCall> with_casts(
    const std::vector<BlockCall>& forward, const std::vector<GroupCasts>& casts,
    const std::function<bool(const BlockCall&, const WeightGroup&)>& reads_weights) {
  if (casts.empty()) return {};
  std::vector<BlockCall> calls;
  for (const BlockCall& block_call : forward) {
    for (const auto& [group, cast] : casts)
      if (reads_weights(block_call, *group)) calls.push_back({cast.block, block_call.layer});
    calls.push_back(block_call);
  }
  return calls;
}

MagnitudeBlocks emit_magnitudes(ProgramBuilder& builder, std::int64_t magnitudes) {
  Tensor tensor = tensor_of({ModelPart::optimizer, TensorItem::magnitudes});
  tensor.role = TensorRole::buffer;
  tensor.dtype = DType::fp32;
  tensor.lifetime = Lifetime::step;
  tensor.per_layer = false;
  tensor.dims = {{.name = DimName::flat, .size = magnitudes}};
  const TensorId id = builder.add(std::move(tensor));

  Block zero{.name = "zero magnitudes", .kind = BlockKind::prologue, .pass = Pass::once, .ops = {}};
  zero.ops.push_back(compute_op("zero magnitudes", Component::optimizer, Phase::optimizer,
                                Pointwise{PointwiseKind::zero, magnitudes}, {writes(id)}));
  Block reduce{.name = "reduce magnitudes", .kind = BlockKind::sync, .pass = Pass::once, .ops = {}};
  const ParallelismSpec& p = builder.job().parallelism;
  const auto add = [&](GroupKind group, std::int64_t ranks) {
    if (ranks == 1) return;
    Op op = compute_op("reduce magnitudes", Component::optimizer, Phase::optimizer,
                       Collective{.kind = CollectiveKind::all_reduce,
                                  .group = group,
                                  .reduction = Reduction::max,
                                  .payload = builder.tensor(id).local_bytes()},
                       {adds_to(id)});
    op.lane = lane_of(group);
    op.after_compute = op.blocks_compute = true;
    reduce.ops.push_back(std::move(op));
  };
  add(GroupKind::tp, p.tp);
  add(GroupKind::dp_cp, p.dp * p.cp);
  MagnitudeBlocks blocks{.zero = builder.add(std::move(zero)), .reduce = std::nullopt};
  if (!reduce.ops.empty()) blocks.reduce = builder.add(std::move(reduce));
  return blocks;
}

}  // namespace foreshard
