#include <algorithm>
#include <map>
#include <utility>

#include "planner/program/passes/quantise.hpp"

namespace foreshard {

namespace {

bool is_cut(const ProgramBuilder& builder) { return builder.job().parallelism.zero == 3; }

/// Rewrites the weight operands of one block's products.
class WeightPass {
 public:
  WeightPass(ProgramBuilder& builder, const QuantiserRules& rules, Block& block)
      : builder_(builder), rules_(rules), block_(block) {}

  void run() {
    for (Op op : std::exchange(block_.ops, {})) {
      const bool reads_weight = is_low_product(op) && op.phase != Phase::backward_weight &&
                                builder_.tensor(op.operands[1].tensor).role == TensorRole::weight;
      if (reads_weight) op.operands[1] = reads(copy_for(op));
      block_.ops.push_back(std::move(op));
    }
  }

 private:
  [[nodiscard]] bool has_two_copies() const { return rules_.across_differs || rules_.transposes; }
  [[nodiscard]] bool in_backward() const { return block_.pass != Pass::forward; }

  TensorId copy_for(const Op& op) {
    const TensorId id = op.operands[1].tensor;
    const bool across = op.phase == Phase::backward_input && has_two_copies();
    const std::pair key{id, across};
    const auto known = copies_.find(key);
    if (known != copies_.end()) return known->second;
    const Tensor& weight = builder_.tensor(id);
    const bool is_gathered = weight.derivation == Derivation::gathered_shares;
    TensorId copy;
    if (is_gathered && rules_.parameter_gather) {
      copy = gathered_copy(op, weight.of.front(), id, across);
    } else if (weight.derivation == Derivation::none &&
               (rules_.keeps_weight_copies || rules_.parameter_gather)) {
      copy = across && is_turned_each_time(id) ? turned_here(op, id) : kept_copy(id, across);
    } else {
      copy = made_here(op, id, across);
    }
    copies_.emplace(key, copy);
    return copy;
  }

  TensorId add(TensorId of, Derivation derivation, Lifetime lifetime) {
    Tensor copy = copy_of(builder_, of, derivation, rules_.format);
    copy.lifetime = lifetime;
    return builder_.add(std::move(copy));
  }

  /// A copy that lives for the whole step, or the weight itself if it is kept in the format.
  TensorId kept_copy(TensorId id, bool across) {
    if (rules_.parameter_gather) {
      builder_.tensor(id).dtype = rules_.format;
      if (rules_.across_differs) {
        Tensor updated = copy_of(builder_, id, Derivation::gathered_shares, builder_.shapes().weight);
        updated.lifetime = Lifetime::layer;
        builder_.add(std::move(updated));
        add(id, Derivation::quantised_across, Lifetime::step);
      }
      return across ? add(id, Derivation::quantised_across, Lifetime::step) : id;
    }
    return add(id, across ? Derivation::quantised_across : Derivation::quantised, Lifetime::step);
  }

  /// Frozen weights that are kept in 8 bits are not kept transposed as well: MLPerf's LoRA code of NVIDIA and AMD sets
  /// Megatron-LM's disable_parameter_transpose_cache.
  [[nodiscard]] bool is_turned_each_time(TensorId id) const {
    return rules_.transposes && rules_.parameter_gather && builder_.is_frozen(id);
  }

  TensorId turned_here(const Op& op, TensorId id) {
    const TensorId rows = kept_copy(id, false);
    const TensorId across = add(id, Derivation::quantised_across, Lifetime::block);
    block_.ops.push_back(transpose_op(builder_, op, rows, across));
    return across;
  }

  /// A copy that this block makes from a weight in 16 or 32 bits.
  TensorId made_here(const Op& op, TensorId id, bool across) {
    TensorId copy = add(id, across ? Derivation::quantised_across : Derivation::quantised, Lifetime::block);
    // Backward makes a copy of its own: that of forward is not kept.
    if (in_backward() && !across) copy = add(copy, Derivation::recomputed, Lifetime::block);
    std::optional<TensorId> largest;
    const bool finds_scale = rules_.measures && !in_backward();  // backward knows it from forward
    if (finds_scale || (across && rules_.measures_across)) {
      largest = largest_of(builder_, id, Lifetime::block);
      block_.ops.push_back(amax_op(builder_, op, reads(id), *largest));
    }
    block_.ops.push_back(quantise_op(builder_, op, reads(id), largest, {copy}));
    return copy;
  }

  /// The copy that a gather of ZeRO-3 brings, made of a copy of this rank's share.
  TensorId gathered_copy(const Op& op, TensorId share, TensorId whole, bool across) {
    const bool brings_across = across && rules_.across_differs;
    const TensorId source =
        add(share, brings_across ? Derivation::quantised_across : Derivation::quantised, Lifetime::step);
    TensorId brought = whole;
    if (brings_across) {
      brought = add(whole, Derivation::quantised_across, Lifetime::layer);
    } else {
      builder_.tensor(whole).dtype = rules_.format;
    }
    carry(share, whole, source, brought);
    if (!across || brings_across) return brought;
    const TensorId transposed = add(whole, Derivation::quantised_across, Lifetime::block);
    block_.ops.push_back(transpose_op(builder_, op, whole, transposed));
    return transposed;
  }

  /// Makes this block's gather carry `source` → `brought` in the place of `share` → `whole`, or besides.
  void carry(TensorId share, TensorId whole, TensorId source, TensorId brought) {
    for (Op& op : block_.ops) {
      auto* gather = std::get_if<Collective>(&op.kind);
      if (gather == nullptr || gather->kind != CollectiveKind::all_gather) continue;
      const auto is_any_of = [&](const Operand& operand) {
        return operand.tensor == share || operand.tensor == whole;
      };
      const auto first = std::find_if(op.operands.begin(), op.operands.end(), is_any_of);
      if (first == op.operands.end()) {
        const bool extends = std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
          return builder_.tensor(operand.tensor).of == std::vector{share};
        });
        if (!extends) continue;
        op.operands.push_back(reads(source));
        op.operands.push_back(writes(brought));
      }
      for (Operand& operand : op.operands) {
        if (operand.tensor == share) operand.tensor = source;
        if (operand.tensor == whole) operand.tensor = brought;
      }
      gather->payload = Bytes();
      for (const Operand& operand : op.operands) {
        if (operand.access == Access::write) gather->payload += builder_.tensor(operand.tensor).local_bytes();
      }
    }
    // The copies out of a flat buffer read what the gather brings.
    for (Op& op : block_.ops) {
      const auto* pointwise = std::get_if<Pointwise>(&op.kind);
      if (pointwise == nullptr || pointwise->kind != PointwiseKind::relayout) continue;
      for (Operand& operand : op.operands) {
        if (operand.tensor == whole) operand.tensor = brought;
      }
    }
  }

  ProgramBuilder& builder_;
  const QuantiserRules& rules_;
  Block& block_;
  std::map<std::pair<TensorId, bool>, TensorId> copies_;  // by weight and direction
};

}  // namespace

void quantise_weights(ProgramBuilder& builder, const QuantiserRules& rules, Block& forward, Block& backward) {
  WeightPass(builder, rules, forward).run();
  WeightPass(builder, rules, backward).run();
}

TensorId updated_weight(const ProgramBuilder& builder, TensorId weight) {
  if (is_cut(builder) || !is_scaled(builder.tensor(weight).dtype)) return weight;
  return builder.known(Derivation::gathered_shares, weight).value_or(weight);
}

}  // namespace foreshard
