#include "planner/program/passes/sequence_parallel.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "planner/program/exchange_overlap.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

Op exchange(const ProgramBuilder& builder, CollectiveKind kind, const Op& like, TensorId source,
            TensorId destination) {
  const TensorId whole = kind == CollectiveKind::all_gather ? destination : source;
  Op op =
      compute_op(std::string(to_string(kind)) + " " + builder.tensor(whole).label, like.component, like.phase,
                 Collective{.kind = kind,
                            .group = GroupKind::tp,
                            .reduction = Reduction::sum,
                            .payload = builder.tensor(whole).local_bytes()},
                 {reads(source), writes(destination)});
  op.lane = Lane::tp;
  op.pipelined = overlaps_product(builder, kind, like.component, like.phase);
  return op;
}

/// Rewrites one forward block, operation by operation.
class SequencePass {
 public:
  SequencePass(ProgramBuilder& builder, Block& block) : builder_(builder), block_(block) {
    sharded_.insert(builder.find(kHiddenStream));
  }

  void run() {
    std::vector<Op> before;
    before.swap(block_.ops);
    for (Op& op : before) {
      rename(op);
      const auto* collective = std::get_if<Collective>(&op.kind);
      const bool reduces = collective != nullptr && collective->kind == CollectiveKind::all_reduce;
      if (reduces && op.component != Component::loss && !is_of_row_norms(op)) {
        scatter(op);
      } else if (op.component == Component::router || op.component == Component::experts) {
        note_shards(op);
        block_.ops.push_back(std::move(op));
      } else if (needs_all_tokens(op)) {
        gather(op);
        block_.ops.push_back(std::move(op));
      } else {
        if (reads_shard(op)) shrink(op);
        block_.ops.push_back(std::move(op));
      }
    }
  }

 private:
  /// True of norms of a weight's rows, which have no tokens.
  [[nodiscard]] bool is_of_row_norms(const Op& op) const {
    return builder_.tensor(op.operands.front().tensor).meaning.aspect == TensorAspect::row_norms;
  }

  [[nodiscard]] bool reads_shard(const Op& op) const {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.access == Access::read && sharded_.contains(operand.tensor);
    });
  }

  /// True if the operation needs all tokens of a sharded tensor: a product with a weight that is cut over tp;
  /// rope, attention and cp collectives of the keys that all heads share in latent attention; and products of an
  /// indexer, which every tp rank runs for all tokens, as Megatron-LM does.
  [[nodiscard]] bool needs_all_tokens(const Op& op) const {
    const bool touches_shard =
        std::any_of(op.operands.begin(), op.operands.end(),
                    [&](const Operand& operand) { return sharded_.contains(operand.tensor); });
    return std::visit(
        overloaded{
            [&](const Gemm&) {
              const Tensor& weight = builder_.tensor(op.operands[1].tensor);
              return sharded_.contains(op.operands[0].tensor) &&
                     (!weight.replicated_over_tp() || weight.meaning.part == ModelPart::indexer);
            },
            [&](const one_of<Attention, Rope, CausalConv, LinearScan, GatedNorm, IndexScores> auto&) {
              return touches_shard;
            },
            [&](const Collective& collective) { return touches_shard && collective.group == GroupKind::cp; },
            [](const one_of<GroupedGemm, Pointwise, Norm, Embedding, CrossEntropy, Gate, Route, Permute, Send,
                            Recv, HostCopy, OptimizerUpdate> auto&) { return false; }},
        op.kind);
  }

  /// For mixtures of experts, whose operations are emitted on token shards already: only records the outputs.
  void note_shards(const Op& op) {
    for (const Operand& operand : op.operands) {
      if (operand.access != Access::read) sharded_.insert(operand.tensor);
    }
  }

  void rename(Op& op) {
    for (Operand& operand : op.operands) {
      if (operand.access != Access::read) continue;
      const auto found = renamed_.find(operand.tensor);
      if (found != renamed_.end()) operand.tensor = found->second;
    }
  }

  TensorId shard_of(TensorId whole) {
    Tensor shard = builder_.derived(whole, Derivation::token_shard);
    shard.lifetime = Lifetime::block;
    shard.dims[0].tp = builder_.shapes().tp;
    shard.partial = std::nullopt;
    return builder_.add(std::move(shard));
  }

  TensorId all_tokens_of(TensorId shard) {
    Tensor whole = builder_.derived(shard, Derivation::all_tokens);
    whole.lifetime = Lifetime::block;
    whole.dims[0].tp = 1;
    return builder_.add(std::move(whole));
  }

  /// The embedding of all tokens, as a partial sum: each tp rank looks up only its part of the vocabulary.
  TensorId embedded_tokens() {
    const BlockShapes& s = builder_.shapes();
    const TensorId id =
        builder_.activation({ModelPart::embedding, TensorItem::token_table, TensorAspect::output},
                            DimName::hidden, s.hidden, false);
    builder_.tensor(id).partial = GroupKind::tp;
    return id;
  }

  /// all-reduce X becomes reduce-scatter X → its shard.
  void scatter(const Op& op) {
    const TensorId whole = op.operands[0].tensor;
    if (builder_.tensor(whole).is(kHiddenStream)) {
      // The embedding wrote the stream itself. Now it writes a partial sum of all tokens, and a
      // reduce-scatter writes the stream.
      const TensorId partial = embedded_tokens();
      block_.ops.back().operands.back().tensor = partial;
      block_.ops.push_back(exchange(builder_, CollectiveKind::reduce_scatter, op, partial, whole));
      return;
    }
    const TensorId shard = shard_of(whole);
    sharded_.insert(shard);
    renamed_[whole] = shard;
    block_.ops.push_back(exchange(builder_, CollectiveKind::reduce_scatter, op, whole, shard));
  }

  /// Makes the operation read all tokens of its sharded operands. Each is all-gathered once per block.
  void gather(Op& op) {
    for (Operand& operand : op.operands) {
      const TensorId shard = operand.tensor;
      if (!sharded_.contains(shard)) continue;
      const bool is_new = !gathered_.contains(shard);
      if (is_new) gathered_[shard] = all_tokens_of(shard);
      const TensorId full = gathered_[shard];
      if (is_new) block_.ops.push_back(exchange(builder_, CollectiveKind::all_gather, op, shard, full));
      operand.tensor = full;
      if (auto* gemm = std::get_if<Gemm>(&op.kind)) gemm->m = builder_.tensor(full).dims[0].local();
    }
  }

  /// Makes the outputs of an operation that reads token shards token shards too, and adapts its sizes.
  void shrink(Op& op) {
    std::int64_t elements = 0;
    const Tensor* result = nullptr;
    for (const Operand& operand : op.operands) {
      Tensor& tensor = builder_.tensor(operand.tensor);
      if (operand.access != Access::read && tensor.role == TensorRole::activation) {
        tensor.dims[0].tp = builder_.shapes().tp;
        sharded_.insert(operand.tensor);
        if (result == nullptr) result = &tensor;
      }
      if (tensor.role != TensorRole::weight) elements = std::max(elements, tensor.local_elements());
    }
    std::visit(overloaded{[&](Norm& norm) { norm.rows = result->local_elements() / norm.width; },
                          [&](Gemm& gemm) { gemm.m = result->dims[0].local(); },
                          [&](Pointwise& pointwise) { pointwise.elements = elements; },
                          [&](Gate& gate) { gate.elements = elements; },
                          // These kinds are not replicated in a layer: they keep their sizes.
                          [](const one_of<GroupedGemm, Attention, Rope, Embedding, CrossEntropy, CausalConv,
                                          LinearScan, GatedNorm, IndexScores, Route, Permute, Collective,
                                          Send, Recv, HostCopy, OptimizerUpdate> auto&) {}},
               op.kind);
  }

  ProgramBuilder& builder_;
  Block& block_;
  std::set<TensorId> sharded_;
  std::unordered_map<TensorId, TensorId> renamed_;
  std::unordered_map<TensorId, TensorId> gathered_;
};

}  // namespace

void apply_sequence_parallel(ProgramBuilder& builder, Block& forward) {
  SequencePass(builder, forward).run();
}

namespace {

/// True if an operation changes the tensor in place (as rope does): gathering again would not restore it.
bool is_changed_in_place(const Block& block, TensorId id) {
  return std::any_of(block.ops.begin(), block.ops.end(), [&](const Op& op) {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.tensor == id && operand.access == Access::accumulate;
    });
  });
}

}  // namespace

void gather_again(ProgramBuilder& builder, const Block& forward, Block& backward, GroupKind group) {
  for (const Op& op : forward.ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    const bool gathers = collective != nullptr && collective->kind == CollectiveKind::all_gather;
    if (!gathers || collective->group != group) continue;
    const TensorId full = op.operands[1].tensor;
    if (is_changed_in_place(forward, full)) continue;
    const Tensor again = builder.derived(full, Derivation::gathered_again);

    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < backward.ops.size(); ++i) {
      for (Operand& operand : backward.ops[i].operands) {
        if (operand.tensor != full || operand.access != Access::read) continue;
        operand.tensor = builder.add(again);
        if (!first) first = i;
      }
    }
    if (!first) continue;
    // If a weight gradient reads the tensor first, the gather is placed before the input gradient of the same
    // product, so that it can overlap it.
    std::size_t at = *first;
    if (backward.ops[at].phase == Phase::backward_weight) {
      for (std::size_t i = 0; i < at; ++i) {
        if (backward.ops[i].name == backward.ops[*first].name) at = i;
      }
    }
    Op gather = op;
    gather.phase = backward.ops[*first].phase;
    gather.operands = {reads(op.operands[0].tensor), writes(builder.find(Derivation::gathered_again, full))};
    const OverlapSpec& overlap = builder.job().training.overlap;
    const bool serial = group == GroupKind::cp ? !overlap.cp : overlap.tp == TpOverlap::none;
    gather.after_compute = gather.blocks_compute = serial;
    backward.ops.insert(backward.ops.begin() + static_cast<std::ptrdiff_t>(at), std::move(gather));
  }
}

std::vector<TensorId> partial_gradient_weights(const ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<TensorId> partial;
  // Every rank of the experts' mesh sees all rows of its experts, and holds its own part of their weights.
  if (builder.shapes().tp == 1 || group.replicas == GroupKind::expert_dp) return partial;
  for (const TensorId id : group.weights) {
    const Tensor& weight = builder.tensor(id);
    // The norms of q and k are applied to a rank's own heads. The uncut matrix of an adapter is multiplied
    // with activations or gradients that are cut by columns.
    const bool sees_own_columns = weight.meaning.item == TensorItem::qk_norm ||
                                  weight.meaning.item == TensorItem::scan_norm ||
                                  is_adapter(weight.meaning.aspect);
    // Every tp rank runs the whole indexer.
    if (weight.meaning.part == ModelPart::indexer) continue;
    // Biases of row-parallel products are applied to all tokens.
    const bool is_row_parallel =
        weight.meaning.item == TensorItem::out || weight.meaning.item == TensorItem::down;
    const bool sees_own_tokens = builder.job().parallelism.sequence_parallel &&
                                 !(is_row_parallel && weight.meaning.aspect == TensorAspect::bias);
    if (weight.replicated_over_tp() && (sees_own_columns || sees_own_tokens)) partial.push_back(id);
  }
  return partial;
}

}  // namespace foreshard
