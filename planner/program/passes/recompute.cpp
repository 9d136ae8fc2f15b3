#include "planner/program/passes/recompute.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "planner/program/passes/recompute_modules.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/units/overloaded.hpp"

namespace foreshard {

namespace {

/// True if recomputation runs all operations of the region again, also those that backward does not need.
/// PyTorch did so before it stopped recomputation early; models with LayerNorm are taken to be from that
/// time.
/// Source: docs/frameworks.md.
bool reruns_whole_layers(const ProgramBuilder& builder) {
  return builder.conventions().recompute_whole_layer || builder.job().model.norm == NormKind::layernorm;
}

/// True for operations whose kernels make their output again in backward by themselves.
bool runs_again(const Op& op) {
  const auto* conv = std::get_if<CausalConv>(&op.kind);
  return conv != nullptr && conv->runs_again;
}

class RecomputePass {
  using Key = std::pair<TensorId, int>;  // tensor and layer shift: the stream's input is not its output
  static constexpr std::size_t kModuleCount = kWords<RecomputeModule>.size();

 public:
  RecomputePass(ProgramBuilder& builder, const Block& forward, Block& backward)
      : builder_(builder),
        forward_(forward),
        backward_(backward),
        mode_(builder.job().training.recompute),
        modules_(recomputed_modules(builder.job().training)),
        reruns_all_(reruns_whole_layers(builder)) {
    for (std::size_t i = 0; i < forward.ops.size(); ++i) {
      for (const Operand& operand : forward.ops[i].operands) {
        if (operand.access != Access::read) writers_[key(operand)].push_back(i);
      }
    }
    choose_kept();
  }

  void run() {
    const bool whole = mode_ == Recompute::full && reruns_all_;
    for (const Op& op : backward_.ops) need_inputs_of(op);
    for (const Op& op : forward_.ops) {
      if (keeps_half(op)) need_inputs_of(op);
    }
    for (std::size_t i = 0; i < forward_.ops.size() && reruns_all_; ++i) {
      const std::optional<RecomputeModule> module = module_of(forward_.ops[i]);
      if (!whole && (!module || drops_outputs(*module))) continue;
      again_.insert(i);
      need_inputs_of(forward_.ops[i]);
    }
    for (std::size_t i = 0; i < forward_.ops.size(); ++i) {
      if (again_.contains(i) || keeps_half(forward_.ops[i])) reruns_.push_back(i);
    }
    if (again_.empty()) return;
    place_reruns(whole);
    std::vector<Op> ops;
    for (std::size_t i = 0; i <= backward_.ops.size(); ++i) {
      for (const std::size_t rerun : reruns_) {
        if (place_of_group_[group_of(rerun)] != i) continue;
        const Op& op = forward_.ops[rerun];
        ops.push_back(again_.contains(rerun) ? run_again(op) : run_half_again(op));
      }
      if (i < backward_.ops.size()) ops.push_back(std::move(backward_.ops[i]));
    }
    backward_.ops = std::move(ops);
  }

 private:
  static Key key(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

  /// True if single modules are recomputed, not the layer as a whole.
  [[nodiscard]] bool by_module() const { return !modules_.empty(); }
  [[nodiscard]] std::optional<RecomputeModule> module_of(const Op& op) const {
    return foreshard::module_of(builder_, op, forward_.kind, modules_);
  }

  // ---- Where the operations run again.

  /// Operations that run again together, before the first backward operation that needs one of them: all of a
  /// layer, those of a module, or a norm by itself. Numbers from the modules' number on are single operations.
  [[nodiscard]] std::size_t group_of(std::size_t forward_op) const {
    const std::optional<RecomputeModule> module = module_of(forward_.ops[forward_op]);
    if (!by_module()) return 0;
    if (module && *module != RecomputeModule::layernorm) return static_cast<std::size_t>(*module);
    return kModuleCount + forward_op;
  }

  /// Makes the backward operations read what is made again, and notes before which of them each group runs: a
  /// group also runs before the groups that read what it makes.
  void place_reruns(bool whole) {
    for (const std::size_t rerun : reruns_) place_of_group_.emplace(group_of(rerun), backward_.ops.size());
    const auto run_before = [&](std::size_t forward_op, std::size_t at) {
      std::size_t& place = place_of_group_[group_of(forward_op)];
      place = std::min(place, at);
    };
    for (std::size_t i = 0; i < backward_.ops.size(); ++i) {
      for (const Operand& operand : backward_.ops[i].operands) {
        if (!wants_clone(backward_.ops[i], operand)) continue;
        for (const std::size_t writer : writers_[key(operand)]) run_before(writer, i);
      }
      use_clones(backward_.ops[i]);
    }
    if (whole) place_of_group_[0] = 0;
    // Readers come after writers in forward, but a group's place is that of all its operations: repeat until
    // no place changes.
    for (bool changed = true; changed;) {
      const std::map<std::size_t, std::size_t> before = place_of_group_;
      for (const std::size_t rerun : reruns_) {
        for (const Operand& operand : forward_.ops[rerun].operands) {
          if (!wants_clone(forward_.ops[rerun], operand)) continue;
          for (const std::size_t writer : writers_[key(operand)])
            run_before(writer, place_of_group_[group_of(rerun)]);
        }
      }
      changed = before != place_of_group_;
    }
  }

  // ---- What is kept.

  void choose_kept() {
    std::size_t products = 0;
    for (const Op& op : forward_.ops) {
      const bool is_product = is_listed_product(op);
      const bool kept = keeps_output(op, is_product ? products : 0);
      if (is_product) ++products;
      for (const Operand& operand : op.operands) {
        if (operand.access == Access::read) continue;
        if (runs_again(op)) {
          rerun_.insert(operand.tensor);
        } else if (kept) {
          kept_.insert(operand.tensor);
        } else if (operand.access == Access::accumulate) {
          // An operation that runs again changes it in place, so the whole tensor must be made again.
          kept_.erase(operand.tensor);
        }
      }
    }
  }

  [[nodiscard]] bool keeps_output(const Op& op, std::size_t product) const {
    switch (mode_) {
      case Recompute::none: return true;
      case Recompute::full: return false;
      case Recompute::selective:
      case Recompute::modules: return !module_of(op) && !is_gathered_again(op);
      case Recompute::selective_ops: return keeps_operation(op, product);
    }
    return true;
  }

  /// True for a tp gather that the framework repeats in backward: what runs again must not keep its result.
  [[nodiscard]] bool is_gathered_again(const Op& op) const {
    const auto* collective = std::get_if<Collective>(&op.kind);
    return mode_ == Recompute::modules && builder_.conventions().regather_sequence && collective != nullptr &&
           collective->kind == CollectiveKind::all_gather && collective->group == GroupKind::tp;
  }

  /// True for the products that the list of PyTorch's selective checkpointing counts.
  static bool is_listed_product(const Op& op) {
    return std::holds_alternative<Gemm>(op.kind) && op.component != Component::attention_core &&
           op.component != Component::router;
  }

  /// Whether PyTorch's list keeps the operation's output: the attention kernel, reduce-scatters, all-to-alls,
  /// the choice of experts, and every second product. The router's product is not on the list. Rope is kept
  /// too, because it changes the output of a kept product in place.
  /// Source: pytorch/torchtitan@b5bcd76:torchtitan/distributed/activation_checkpoint.py
  /// @param product number of earlier products in the block
  static bool keeps_operation(const Op& op, std::size_t product) {
    const bool in_core = op.component == Component::attention_core;
    return std::visit(
        overloaded{
            [](const Collective& collective) {
              return collective.kind == CollectiveKind::reduce_scatter ||
                     (collective.kind == CollectiveKind::all_to_all && collective.group == GroupKind::ep);
            },
            [&](const Attention&) { return in_core; }, [&](const Rope&) { return !in_core; },
            [&](const Gemm&) { return is_listed_product(op) && product % 2 == 0; },
            [](const one_of<Route, LinearScan> auto&) { return true; },
            [](const one_of<GroupedGemm, Pointwise, Norm, Embedding, CrossEntropy, CausalConv, GatedNorm,
                            Gate, IndexScores, Permute, Send, Recv, HostCopy, OptimizerUpdate> auto&) {
              return false;
            }},
        op.kind);
  }

  /// True if this reader must read a recomputed copy of the tensor. What a checkpointed module makes, only its
  /// own operations read again: the output of the attention core that the output projection reads stays saved.
  [[nodiscard]] bool wants_clone(const Op& reader, const Operand& operand) const {
    const auto writers = writers_.find(key(operand));
    if (operand.access == Access::write || writers == writers_.end()) return false;
    if (kept_.contains(operand.tensor)) return false;
    // Backward makes the 16 bits of a quantised weight again by itself.
    if (is_backward(reader.phase) && builder_.tensor(operand.tensor).derivation == Derivation::dequantised)
      return false;
    if (!by_module() || rerun_.contains(operand.tensor)) return true;
    const std::optional<RecomputeModule> module = module_of(forward_.ops[writers->second.back()]);
    return !module || drops_outputs(*module) || module_of(reader) == module;
  }

  void need_inputs_of(const Op& op) {
    for (const Operand& operand : op.operands) {
      if (!wants_clone(op, operand)) continue;
      for (const std::size_t writer : writers_[key(operand)]) {
        if (again_.insert(writer).second) need_inputs_of(forward_.ops[writer]);
      }
    }
  }

  /// True for the product that makes gate and up, if only half of its output is kept. PyTorch runs gate and
  /// up as two products and keeps every second product, so the other one of them runs again.
  [[nodiscard]] bool keeps_half(const Op& op) const {
    return mode_ == Recompute::selective_ops && builder_.conventions().autograd &&
           std::holds_alternative<Gemm>(op.kind) && kept_.contains(op.operands[2].tensor) &&
           builder_.tensor(op.operands[1].tensor).meaning.item == TensorItem::gate_up;
  }

  /// The recomputation of the half of gate and up that is not kept. It writes a tensor of its own; operations
  /// that read gate and up still name the kept tensor.
  Op run_half_again(Op op) {
    op.phase = Phase::recompute;
    std::get<Gemm>(op.kind).n /= 2;
    op.operands.resize(3);
    // Its input, and its weight where 16 bits of a quantised one are made again.
    for (Operand* const read : {&op.operands[0], &op.operands[1]})
      if (wants_clone(op, *read)) *read = reads(clone(read->tensor));
    builder_.tensor(op.operands[2].tensor).kept_parts = 2;
    Tensor half = builder_.derived(op.operands[2].tensor, Derivation::recomputed_half);
    half.kept_parts = 1;
    half.lifetime = Lifetime::block;
    half.dims[1].size /= 2;
    op.operands[2] = writes(builder_.add(std::move(half)));
    return op;
  }

  TensorId clone(TensorId id) {
    Tensor tensor = builder_.derived(id, Derivation::recomputed);
    tensor.lifetime = Lifetime::block;
    return builder_.add(std::move(tensor));
  }

  void use_clones(Op& op) {
    for (Operand& operand : op.operands) {
      if (!wants_clone(op, operand)) continue;
      operand.tensor = clone(operand.tensor);
      operand.layer_shift = 0;
    }
  }

  Op run_again(Op op) {
    op.phase = Phase::recompute;
    for (Operand& operand : op.operands) {
      const bool made_here = operand.access != Access::read;
      if (made_here || wants_clone(op, operand)) {
        operand.tensor = clone(operand.tensor);
        operand.layer_shift = 0;
      }
    }
    return op;
  }

  ProgramBuilder& builder_;
  const Block& forward_;
  Block& backward_;
  Recompute mode_;
  std::vector<RecomputeModule> modules_;  // empty where layers are recomputed as a whole
  bool reruns_all_;
  std::map<Key, std::vector<std::size_t>> writers_;
  std::set<TensorId> kept_;
  std::set<TensorId> rerun_;         // outputs that kernels make again by themselves, whatever the mode
  std::set<std::size_t> again_;      // forward operations to run again, in order
  std::vector<std::size_t> reruns_;  // those, and the products of which one half runs again
  std::map<std::size_t, std::size_t> place_of_group_;  // the backward operation before which a group runs
};

}  // namespace

void apply_recompute(ProgramBuilder& builder, const Block& forward, Block& backward) {
  const bool none = builder.job().training.recompute == Recompute::none;
  if (none && std::none_of(forward.ops.begin(), forward.ops.end(), runs_again)) return;
  RecomputePass(builder, forward, backward).run();
}

}  // namespace foreshard
