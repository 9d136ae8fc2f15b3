#include "planner/program/passes/sequence_parallel.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace foreshard {

namespace {

Op exchange(const ProgramBuilder& builder, CollectiveKind kind, const Op& like, TensorId source,
            TensorId destination) {
  const TensorId whole = kind == CollectiveKind::all_gather ? destination : source;
  Op op =
      compute_op(std::string(to_string(kind)) + " " + builder.tensor(whole).name, like.component, like.phase,
                 Collective{.kind = kind,
                            .group = GroupKind::tp,
                            .reduction = Reduction::sum,
                            .payload = builder.tensor(whole).local_bytes()},
                 {reads(source), writes(destination)});
  op.lane = Lane::tp;
  op.pipelined = builder.job().training.overlap.tp == TpOverlap::full;
  return op;
}

/// Rewrites one forward block, operation by operation.
class SequencePass {
 public:
  SequencePass(ProgramBuilder& builder, Block& block) : builder_(builder), block_(block) {
    sharded_.insert(builder.find("hidden"));
  }

  void run() {
    std::vector<Op> before;
    before.swap(block_.ops);
    for (Op& op : before) {
      rename(op);
      const auto* collective = std::get_if<Collective>(&op.kind);
      const bool reduces = collective != nullptr && collective->kind == CollectiveKind::all_reduce;
      if (reduces && op.component != Component::loss) {
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
  [[nodiscard]] bool reads_shard(const Op& op) const {
    return std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return operand.access == Access::read && sharded_.contains(operand.tensor);
    });
  }

  /// A product of a shard with a weight that is cut, and latent attention's keys that all heads share.
  [[nodiscard]] bool needs_all_tokens(const Op& op) const {
    if (std::holds_alternative<Gemm>(op.kind)) {
      return sharded_.contains(op.operands[0].tensor) &&
             !builder_.tensor(op.operands[1].tensor).replicated_over_tp();
    }
    return std::any_of(op.operands.begin(), op.operands.end(),
                       [&](const Operand& operand) { return sharded_.contains(operand.tensor); }) &&
           (std::holds_alternative<Attention>(op.kind) || std::holds_alternative<Rope>(op.kind) ||
            is_over_cp(op));
  }

  static bool is_over_cp(const Op& op) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    return collective != nullptr && collective->group == GroupKind::cp;
  }

  /// Mixtures of experts are emitted on shards of the tokens already.
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

  TensorId like(TensorId id, const std::string& name, bool cut) {
    Tensor tensor = builder_.tensor(id);
    tensor.name = name;
    tensor.lifetime = Lifetime::block;
    tensor.dims[0].tp = cut ? builder_.shapes().tp : 1;
    tensor.partial = cut ? std::nullopt : tensor.partial;
    return builder_.add(std::move(tensor));
  }

  /// all-reduce X becomes reduce-scatter X → its shard.
  void scatter(const Op& op) {
    const TensorId whole = op.operands[0].tensor;
    if (builder_.tensor(whole).name == "hidden") {
      // The embedding wrote the stream itself; now it writes a full partial sum that scatters into the
      // stream.
      const TensorId partial = like(whole, "embedding.out", false);
      builder_.tensor(partial).role = TensorRole::activation;
      builder_.tensor(partial).partial = GroupKind::tp;
      block_.ops.back().operands.back().tensor = partial;
      block_.ops.push_back(exchange(builder_, CollectiveKind::reduce_scatter, op, partial, whole));
      return;
    }
    const TensorId shard = like(whole, builder_.tensor(whole).name + ".shard", true);
    sharded_.insert(shard);
    renamed_[whole] = shard;
    block_.ops.push_back(exchange(builder_, CollectiveKind::reduce_scatter, op, whole, shard));
  }

  /// The operation works on what an all-gather of its sharded operands wrote, gathered once per block.
  void gather(Op& op) {
    for (Operand& operand : op.operands) {
      const TensorId shard = operand.tensor;
      if (!sharded_.contains(shard)) continue;
      const bool is_new = !gathered_.contains(shard);
      if (is_new) gathered_[shard] = like(shard, builder_.tensor(shard).name + ".full", false);
      const TensorId full = gathered_[shard];
      if (is_new) block_.ops.push_back(exchange(builder_, CollectiveKind::all_gather, op, shard, full));
      operand.tensor = full;
      if (auto* gemm = std::get_if<Gemm>(&op.kind)) gemm->m = builder_.tensor(full).dims[0].local();
    }
  }

  /// An operation on shards writes shards.
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
    if (auto* norm = std::get_if<Norm>(&op.kind)) norm->rows = result->local_elements() / norm->width;
    if (auto* gemm = std::get_if<Gemm>(&op.kind)) gemm->m = result->dims[0].local();
    if (auto* pointwise = std::get_if<Pointwise>(&op.kind)) pointwise->elements = elements;
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

/// What a gather brought and a later operation turned cannot be had by gathering again.
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
    Tensor again = builder.tensor(full);
    again.name += ".regathered";

    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < backward.ops.size(); ++i) {
      for (Operand& operand : backward.ops[i].operands) {
        if (operand.tensor != full || operand.access != Access::read) continue;
        operand.tensor = builder.add(again);
        if (!first) first = i;
      }
    }
    if (!first) continue;
    // A weight gradient's input is gathered before the input gradient of the same product, behind which it
    // can hide.
    std::size_t at = *first;
    if (backward.ops[at].phase == Phase::backward_weight) {
      for (std::size_t i = 0; i < at; ++i) {
        if (backward.ops[i].name == backward.ops[*first].name) at = i;
      }
    }
    Op gather = op;
    gather.phase = backward.ops[*first].phase;
    gather.operands = {reads(op.operands[0].tensor), writes(builder.find(again.name))};
    const OverlapSpec& overlap = builder.job().training.overlap;
    const bool serial = group == GroupKind::cp ? !overlap.cp : overlap.tp == TpOverlap::none;
    gather.after_compute = gather.blocks_compute = serial;
    backward.ops.insert(backward.ops.begin() + static_cast<std::ptrdiff_t>(at), std::move(gather));
  }
}

std::vector<TensorId> partial_gradient_weights(const ProgramBuilder& builder, const WeightGroup& group) {
  std::vector<TensorId> partial;
  if (builder.shapes().tp == 1) return partial;
  for (const TensorId id : group.weights) {
    const Tensor& weight = builder.tensor(id);
    // The norms of q and k see a rank's own heads, an adapter's matrix that is not cut one side of a cut
    // product.
    const bool sees_own_columns =
        weight.name.starts_with("layer.qk_norm.") || weight.name.find(".lora_") != std::string::npos;
    // Biases of row-parallel products see all tokens.
    const bool sees_own_tokens = builder.job().parallelism.sequence_parallel &&
                                 !without_scope(weight.name).ends_with("out.bias") &&
                                 !without_scope(weight.name).ends_with("down.bias");
    if (weight.replicated_over_tp() && (sees_own_columns || sees_own_tokens)) partial.push_back(id);
  }
  return partial;
}

}  // namespace foreshard
