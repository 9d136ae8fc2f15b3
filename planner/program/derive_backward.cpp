#include "planner/program/derive_backward.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace foreshard {

namespace {

using Instance = std::pair<TensorId, int>;  // tensor and layer shift

Instance instance_of(const Operand& operand) { return {operand.tensor, operand.layer_shift}; }

/// The gradient of one activation as far as it is known.
struct Gradient {
  Operand at;            // where it stands
  bool owned = false;    // its tensor is nobody else's gradient, so that it may be added to in place
  bool partial = false;  // each tp rank holds a summand
};

/// Walks a forward block backwards and appends to the backward block.
class Derivation {
 public:
  Derivation(ProgramBuilder& builder, const Block& forward) : builder_(builder), forward_(forward) {
    backward_.name = forward.name.substr(0, forward.name.find(" forward")) + " backward";
    backward_.kind = forward.kind;
    backward_.pass = Pass::backward;
    count_readers();
  }

  Block run() {
    // Below a table that is not trained, nothing asks for a gradient.
    if (forward_.kind == BlockKind::embedding && trains_nothing()) return std::move(backward_);
    const TensorId hidden = hidden_id();
    gradients_[{hidden, 1}] = {reads(hidden_gradient_id(), 1), false, false};
    if (forward_.kind == BlockKind::embedding) {
      gradients_[{hidden, 0}] = {reads(hidden_gradient_id()), false, false};
    }
    for (auto op = forward_.ops.rbegin(); op != forward_.ops.rend(); ++op) {
      std::visit([&](const auto& kind) { derive(*op, kind); }, op->kind);
    }
    return std::move(backward_);
  }

 private:
  // ---- gradients

  void count_readers() {
    for (const Op& op : forward_.ops) {
      std::set<Instance> seen;
      for (const Operand& operand : op.operands) {
        if (operand.access == Access::read && seen.insert(instance_of(operand)).second) {
          ++readers_[instance_of(operand)];
        }
      }
    }
  }

  [[nodiscard]] TensorId hidden_id() const { return builder_.find("hidden"); }
  [[nodiscard]] TensorId hidden_gradient_id() const { return builder_.find("d.hidden"); }

  /// A new gradient tensor shaped like `like`.
  Operand fresh(const Operand& like) {
    if (like.tensor == hidden_id()) return writes(hidden_gradient_id(), like.layer_shift);
    Tensor gradient = builder_.tensor(like.tensor);
    gradient.name = "d." + gradient.name;
    gradient.role = TensorRole::activation_gradient;
    gradient.lifetime = Lifetime::block;
    gradient.partial = std::nullopt;
    if (gradient.name == "d.head.logits32") gradient.dtype = builder_.shapes().activation;
    return writes(builder_.add(std::move(gradient)));
  }

  /// The finished gradient of what an operation wrote.
  Operand gradient_of(const Operand& y) {
    const auto found = gradients_.find(instance_of(y));
    if (found == gradients_.end()) {
      throw std::logic_error("no gradient reaches " + builder_.tensor(y.tensor).name);
    }
    Operand at = found->second.at;
    at.access = Access::read;
    return at;
  }
  [[nodiscard]] bool has_gradient(const Operand& y) const { return gradients_.contains(instance_of(y)); }

  /// Where a kernel is to put its contribution to x's gradient: a new tensor, or added to what is there.
  Operand contribution(const Operand& x) {
    const auto found = gradients_.find(instance_of(x));
    if (found == gradients_.end()) {
      const Operand at = fresh(x);
      gradients_[instance_of(x)] = {at, true, false};
      return at;
    }
    if (!found->second.owned) {
      // The sum needs a tensor of its own; what passes by is copied into it.
      const Operand at = fresh(x);
      emit("copy " + builder_.tensor(at.tensor).name, Component::residual, Phase::backward_input,
           Pointwise{PointwiseKind::cast, builder_.tensor(at.tensor).local_elements()},
           {found->second.at, at});
      found->second = {at, true, found->second.partial};
    }
    Operand at = found->second.at;
    at.access = Access::accumulate;
    return at;
  }

  /// x receives y's gradient unchanged.
  void pass_through(const Operand& x, const Operand& y) {
    const Operand dy = gradient_of(y);
    if (!has_gradient(x)) {
      gradients_[instance_of(x)] = {dy, false, gradients_[instance_of(y)].partial};
      return;
    }
    const Operand at = contribution(x);
    emit("add " + builder_.tensor(at.tensor).name, Component::residual, Phase::backward_input,
         Pointwise{PointwiseKind::accumulate, builder_.tensor(at.tensor).local_elements()}, {dy, at});
  }

  /// One reader of x has contributed. After the last, a sum over tp ranks is completed.
  void contributed(const Operand& x, Component component) {
    if (--readers_[instance_of(x)] > 0) return;
    if (!gradients_[instance_of(x)].partial) return;
    if (const Op* gather = gather_of(x)) {
      derive(*gather, std::get<Collective>(gather->kind));  // its reduce-scatter completes the sum
      return;
    }
    // Between low-rank adapters a sum over tp stays open: what follows is linear in it.
    if (builder_.tensor(x.tensor).name.ends_with(".lora")) return;
    complete(x, component);
  }

  /// Sums the tp ranks' summands of x's gradient, if that is what they have.
  void complete(const Operand& x, Component component) {
    const auto found = gradients_.find(instance_of(x));
    if (found == gradients_.end() || !found->second.partial) return;
    Gradient& gradient = found->second;
    builder_.tensor(gradient.at.tensor).partial = GroupKind::tp;
    const std::string name = builder_.tensor(gradient.at.tensor).name;
    Op op = all_reduce_tp(builder_, "all-reduce " + short_name(name), component, Phase::backward_input,
                          gradient.at);
    op.holds_compute = builder_.job().training.overlap.tp == TpOverlap::none;
    op.pipelined = builder_.job().training.overlap.tp == TpOverlap::full;
    backward_.ops.push_back(std::move(op));
    gradient.partial = false;
  }

  [[nodiscard]] bool is_alike_over_tp(const Operand& x) const {
    return builder_.shapes().tp > 1 && builder_.tensor(x.tensor).replicated_over_tp();
  }

  /// The all-gather of this block from which x comes, if any.
  [[nodiscard]] const Op* gather_of(const Operand& x) const {
    for (const Op& op : forward_.ops) {
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->kind == CollectiveKind::all_gather &&
          op.operands[1].tensor == x.tensor) {
        return &op;
      }
    }
    return nullptr;
  }

  /// "d.layer.attn_norm.out" is "d.attn_norm.out" in the names of operations.
  static std::string short_name(const std::string& name) {
    const std::size_t dot = name.find('.', 2);
    return dot == std::string::npos ? name : "d." + name.substr(dot + 1);
  }

  void emit(std::string name, Component component, Phase phase, OpKind kind, std::vector<Operand> operands) {
    backward_.ops.push_back(
        compute_op(std::move(name), component, phase, std::move(kind), std::move(operands)));
  }

  [[nodiscard]] bool is_weight(const Operand& operand) const {
    return builder_.tensor(operand.tensor).role == TensorRole::weight;
  }

  [[nodiscard]] bool trains_nothing() const {
    return std::all_of(forward_.ops.begin(), forward_.ops.end(), [&](const Op& op) {
      return std::all_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
        return !is_weight(operand) || builder_.is_frozen(operand.tensor);
      });
    });
  }

  // ---- one rule per operation kind

  void derive(const Op& op, const Gemm& gemm) {
    if (is_weight(op.operands[1])) {
      derive_linear(op, gemm);
    } else {
      derive_product(op, gemm);
    }
  }

  /// Y = X·Wᵀ + b: dX = dY·W, dW += dYᵀ·X, db += Σ dY.
  void derive_linear(const Op& op, const Gemm& gemm) {
    const Operand x = op.operands[0];
    const Operand w = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    const bool summand = gradients_[instance_of(op.operands[2])].partial;
    const bool columns_cut = builder_.tensor(w.tensor).dims[0].tp > 1;
    // What every tp rank has whole must not be added to summands that are still to be summed.
    if (!columns_cut && !summand) complete(x, op.component);
    const Operand dx = contribution(x);
    emit(op.name, op.component, Phase::backward_input,
         Gemm{.batch = 1, .m = gemm.m, .n = gemm.k, .k = gemm.n, .math = gemm.math},
         {dy, reads(w.tensor), dx});
    if (columns_cut || summand) gradients_[instance_of(x)].partial = true;
    contributed(x, op.component);
    if (builder_.is_frozen(w.tensor)) return;
    emit(op.name, op.component, Phase::backward_weight,
         Gemm{.batch = 1, .m = gemm.n, .n = gemm.k, .k = gemm.m, .math = gemm.math},
         {dy, reads(x.tensor, x.layer_shift), adds_to(builder_.gradient_of(w.tensor))});
    if (op.operands.size() > 3) derive_bias(op, dy);
  }

  /// C = A·B of two activations: dA = dC·Bᵀ, dB = Aᵀ·dC.
  void derive_product(const Op& op, const Gemm& gemm) {
    const Operand a = op.operands[0];
    const Operand b = op.operands[1];
    const Operand dc = gradient_of(op.operands[2]);
    emit(op.name, op.component, Phase::backward_input,
         Gemm{.batch = gemm.batch, .m = gemm.m, .n = gemm.k, .k = gemm.n, .math = gemm.math},
         {dc, b, contribution(a)});
    emit(op.name, op.component, Phase::backward_input,
         Gemm{.batch = gemm.batch, .m = gemm.k, .n = gemm.n, .k = gemm.m, .math = gemm.math},
         {a, dc, contribution(b)});
  }

  /// The same for every expert: dX = dY·W, dW += dYᵀ·X.
  void derive(const Op& op, const GroupedGemm& gemm) {
    const Operand x = op.operands[0];
    const Operand w = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    GroupedGemm input = gemm;
    std::swap(input.n, input.k);
    emit(op.name, op.component, Phase::backward_input, input, {dy, w, contribution(x)});
    if (builder_.tensor(w.tensor).dims[1].tp > 1) gradients_[instance_of(x)].partial = true;
    contributed(x, op.component);
    if (builder_.is_frozen(w.tensor)) return;
    emit(op.name, op.component, Phase::backward_weight, gemm,
         {dy, reads(x.tensor), adds_to(builder_.gradient_of(w.tensor))});
    if (op.operands.size() > 3) derive_bias(op, dy);
  }

  /// db += Σ dY over the tokens.
  void derive_bias(const Op& op, const Operand& dy) {
    emit(op.name + " bias", op.component, Phase::backward_weight,
         Pointwise{PointwiseKind::bias_gradient, builder_.tensor(dy.tensor).local_elements()},
         {dy, adds_to(builder_.gradient_of(op.operands[3].tensor))});
  }

  void derive(const Op& op, const Route& route) {
    const Operand routes = op.operands.back();
    emit(op.name, op.component, Phase::backward_input, route,
         {reads(routes.tensor), gradient_of(routes), contribution(op.operands[0])});
  }

  void derive(const Op& op, const Permute& permute) {
    const Operand x = op.operands[0];
    const Operand routes = op.operands[1];
    const Operand dy = gradient_of(op.operands[2]);
    if (permute.weighted) {
      emit(op.name, op.component, Phase::backward_input, permute,
           {x, routes, dy, contribution(x), contribution(routes)});
    } else {
      emit(op.name, op.component, Phase::backward_input, permute, {dy, routes, contribution(x)});
    }
  }

  void derive(const Op& op, const Attention& attention) {
    const std::size_t inputs = op.operands.size() - 2;
    const Operand dout = gradient_of(op.operands[inputs]);
    std::vector<Operand> operands = op.operands;
    for (Operand& operand : operands) operand.access = Access::read;
    operands.push_back(dout);
    for (std::size_t i = 0; i < inputs; ++i) {
      const Operand& x = op.operands[i];
      if (!is_weight(x)) {
        operands.push_back(contribution(x));
        // Keys that all heads share get a summand from the heads of each tp rank.
        if (is_alike_over_tp(x)) gradients_[instance_of(x)].partial = true;
      } else if (!builder_.is_frozen(x.tensor)) {
        operands.push_back(adds_to(builder_.gradient_of(x.tensor)));
      }
    }
    emit(op.name, op.component, Phase::backward_input, attention, std::move(operands));
  }

  void derive(const Op& op, const Norm& norm) {
    const bool centred = norm.kind == NormKind::layernorm;
    const Operand x = op.operands[0];
    const Operand weight = op.operands[1];
    const Operand y = op.operands[centred ? 3 : 2];
    Operand stats = op.operands[centred ? 4 : 3];
    stats.access = Access::read;
    std::vector<Operand> operands{x, weight, stats, gradient_of(y)};
    if (has_gradient(x)) operands.push_back(gradient_of(x));
    const Operand dx = fresh(x);
    operands.push_back(dx);
    const bool trained = !builder_.is_frozen(weight.tensor);
    if (trained) operands.push_back(adds_to(builder_.gradient_of(weight.tensor)));
    if (trained && centred) operands.push_back(adds_to(builder_.gradient_of(op.operands[2].tensor)));
    gradients_[instance_of(x)] = {dx, true, false};
    emit(op.name, op.component, Phase::backward_input, norm, std::move(operands));
  }

  void derive(const Op& op, const Rope& rope) {
    Operand dqkv = gradient_of(op.operands[0]);
    dqkv.access = Access::accumulate;
    emit(op.name, op.component, Phase::backward_input, rope, {dqkv});
    if (gather_of(op.operands[0]) == nullptr) complete(op.operands[0], op.component);
  }

  void derive(const Op& op, const Pointwise& pointwise) {
    const std::vector<Operand>& o = op.operands;
    const auto backward = [&](std::vector<Operand> operands) {
      emit(op.name, op.component, Phase::backward_input, pointwise, std::move(operands));
    };
    const auto read_again = [](Operand operand) {
      operand.access = Access::read;
      return operand;
    };
    switch (pointwise.kind) {
      case PointwiseKind::add:
        pass_through(o[0], o[2]);
        if (is_weight(o[1]) && builder_.is_frozen(o[1].tensor)) return;
        if (is_weight(o[1])) {
          // A learned position table: its gradient sums over the sequences of the micro-batch.
          emit(op.name, op.component, Phase::backward_weight,
               Pointwise{PointwiseKind::bias_gradient, pointwise.elements},
               {gradient_of(o[2]), adds_to(builder_.gradient_of(o[1].tensor))});
        } else {
          pass_through(o[1], o[2]);
        }
        return;
      case PointwiseKind::dropout:
        backward({gradient_of(o[1]), read_again(o[2]), contribution(o[0])});
        return;
      case PointwiseKind::dropout_add:
        pass_through(o[0], o[2]);
        backward({gradient_of(o[2]), read_again(o[3]), contribution(o[1])});
        return;
      case PointwiseKind::softmax:
        backward({read_again(o[1]), gradient_of(o[1]), contribution(o[0])});
        return;
      case PointwiseKind::multiply:
        backward({o[0], o[1], gradient_of(o[2]), contribution(o[0]), contribution(o[1])});
        return;
      case PointwiseKind::cast: return;  // the loss already put the narrow gradient there
      default: backward({o[0], gradient_of(o[1]), contribution(o[0])}); return;
    }
  }

  void derive(const Op& op, const Embedding& embedding) {
    if (builder_.is_frozen(op.operands[1].tensor)) return;
    emit(op.name, op.component, Phase::backward_weight, embedding,
         {op.operands[0], gradient_of(op.operands[2]), adds_to(builder_.gradient_of(op.operands[1].tensor))});
  }

  /// Only the last part has a gradient: softmax − one-hot, in the type and under the name of the product's
  /// logits.
  void derive(const Op& op, const CrossEntropy& loss) {
    if (loss.part == CrossEntropyPart::row_max) return;
    if (loss.part == CrossEntropyPart::loss) {
      loss_name_ = op.name;
      return;
    }
    const Operand logits = op.operands[0];
    const Operand narrow = reads(builder_.find("head.logits"));
    Operand sums = op.operands[3];
    sums.access = Access::read;
    const Operand dlogits = contribution(narrow);
    emit(loss_name_, op.component, Phase::backward_input,
         CrossEntropy{.part = CrossEntropyPart::loss, .tokens = loss.tokens, .vocab = loss.vocab},
         {logits, op.operands[1], op.operands[2], sums, dlogits});
  }

  void derive(const Op& op, const Collective& collective) {
    switch (collective.kind) {
      case CollectiveKind::all_reduce: return;  // the gradient of every summand is the sum's
      case CollectiveKind::all_gather:
        derive_exchange(op, CollectiveKind::reduce_scatter, collective);
        return;
      case CollectiveKind::reduce_scatter:
        derive_exchange(op, CollectiveKind::all_gather, collective);
        return;
      case CollectiveKind::all_to_all: derive_exchange(op, CollectiveKind::all_to_all, collective); return;
    }
  }

  /// The gradient travels the other way.
  void derive_exchange(const Op& op, CollectiveKind kind, const Collective& forward) {
    if (!exchanged_.insert(&op).second) return;
    const Operand x = op.operands[0];
    const Operand dy = gradient_of(op.operands[1]);
    const bool summand = forward.group != GroupKind::tp && gradients_[instance_of(op.operands[1])].partial;
    const Operand dx = contribution(x);
    if (summand) gradients_[instance_of(x)].partial = true;
    Op exchange = compute_op(
        std::string(to_string(kind)) + " " + short_name(builder_.tensor(dx.tensor).name), op.component,
        Phase::backward_input,
        Collective{
            .kind = kind, .group = forward.group, .reduction = Reduction::sum, .payload = forward.payload},
        {dy, dx});
    exchange.lane = op.lane;
    exchange.pipelined = op.pipelined;
    if (kind == CollectiveKind::reduce_scatter) {
      // The weight gradient that follows need not wait, unless nothing overlaps.
      const OverlapSpec& overlap = builder_.job().training.overlap;
      exchange.holds_compute = forward.group == GroupKind::cp ? !overlap.cp : overlap.tp == TpOverlap::none;
    }
    backward_.ops.push_back(std::move(exchange));
  }

  template <class Other>
  void derive(const Op& op, const Other&) {
    throw std::logic_error("no backward rule for " + std::string(kind_name(op.kind)));
  }

  ProgramBuilder& builder_;
  const Block& forward_;
  Block backward_;
  std::map<Instance, Gradient> gradients_;
  std::map<Instance, int> readers_;
  std::set<const Op*> exchanged_;  // all-gathers whose reduce-scatter stands before its turn
  std::string loss_name_;
};

}  // namespace

Block derive_backward(ProgramBuilder& builder, const Block& forward) {
  return Derivation(builder, forward).run();
}

void mark_saved(ProgramBuilder& builder, const Block& forward, const Block& backward) {
  std::set<TensorId> written;
  for (const Op& op : forward.ops) {
    for (const Operand& operand : op.operands) {
      if (operand.access == Access::write) written.insert(operand.tensor);
    }
  }
  for (const TensorId id : written) {
    Tensor& tensor = builder.tensor(id);
    const bool leaves_block = tensor.name == "hidden" || tensor.name == "head.loss";
    if (leaves_block || tensor.lifetime == Lifetime::layer) continue;
    tensor.lifetime = Lifetime::block;
  }
  for (const Op& op : backward.ops) {
    for (const Operand& operand : op.operands) {
      const bool saved = operand.access == Access::read && written.contains(operand.tensor);
      if (saved && builder.tensor(operand.tensor).lifetime == Lifetime::block) {
        builder.tensor(operand.tensor).lifetime = Lifetime::micro_batch;
      }
    }
  }
}

}  // namespace foreshard
