#include "planner/program/backward/gradient_book.hpp"

#include <algorithm>
#include <stdexcept>

#include "planner/program/exchange_overlap.hpp"
#include "planner/program/tensor_label.hpp"

namespace foreshard {

namespace {

constexpr Meaning kWideLogits{ModelPart::head, TensorItem::wide_logits};

/// The collective of a gradient whose activation went through `kind` in forward.
CollectiveKind reverse(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_gather: return CollectiveKind::reduce_scatter;
    case CollectiveKind::reduce_scatter: return CollectiveKind::all_gather;
    case CollectiveKind::all_reduce:
    case CollectiveKind::all_to_all: return kind;
  }
  return kind;
}

}  // namespace

GradientBook::GradientBook(ProgramBuilder& builder, const Block& forward)
    : builder_(builder), forward_(forward) {
  backward_.name = forward.name.substr(0, forward.name.find(" forward")) + " backward";
  backward_.kind = forward.kind;
  backward_.pass = Pass::backward;
  count_readers();
}

void GradientBook::open_streams() {
  const TensorId hidden = hidden_id();
  gradients_[{hidden, 1}] = {reads(hidden_gradient_id(), 1), false, false};
  if (forward_.kind == BlockKind::embedding) {
    gradients_[{hidden, 0}] = {reads(hidden_gradient_id()), false, false};
  }
  // The head, or the head of the module before, has written the gradient of the module's input.
  if (forward_.kind == BlockKind::mtp) gradients_[{hidden, 0}] = {reads(hidden_gradient_id()), true, false};
}

void GradientBook::count_readers() {
  for (const Op& op : forward_.ops) {
    std::set<Instance> seen;
    for (const Operand& operand : op.operands) {
      if (operand.access == Access::read && seen.insert(instance_of(operand)).second) {
        ++readers_[instance_of(operand)];
      }
    }
  }
}

Operand GradientBook::fresh(const Operand& like) {
  if (like.tensor == hidden_id()) return writes(hidden_gradient_id(), like.layer_shift);
  Tensor gradient = builder_.derived(like.tensor, Derivation::gradient);
  gradient.role = TensorRole::activation_gradient;
  gradient.lifetime = Lifetime::block;
  gradient.partial = std::nullopt;
  if (gradient.meaning == kWideLogits) gradient.dtype = builder_.shapes().activation;
  return writes(builder_.add(std::move(gradient)));
}

Operand GradientBook::gradient_of(const Operand& y) {
  const auto found = gradients_.find(instance_of(y));
  if (found == gradients_.end()) {
    throw std::logic_error("no gradient reaches " + builder_.tensor(y.tensor).label);
  }
  Operand at = found->second.at;
  at.access = Access::read;
  return at;
}

Operand GradientBook::contribution(const Operand& x) {
  const auto found = gradients_.find(instance_of(x));
  if (found == gradients_.end()) {
    const Operand at = fresh(x);
    gradients_[instance_of(x)] = {at, true, false};
    return at;
  }
  if (!found->second.owned) {
    // The tensor is shared with another gradient (pass_through): copy it before adding to it.
    const Operand at = fresh(x);
    emit("copy " + builder_.tensor(at.tensor).label, Component::residual, Phase::backward_input,
         Pointwise{PointwiseKind::cast, builder_.tensor(at.tensor).local_elements()}, {found->second.at, at});
    found->second = {at, true, found->second.partial};
  }
  Operand at = found->second.at;
  at.access = Access::accumulate;
  return at;
}

void GradientBook::pass_through(const Operand& x, const Operand& y) {
  const Operand dy = gradient_of(y);
  if (!has_gradient(x)) {
    gradients_[instance_of(x)] = {dy, false, gradients_[instance_of(y)].partial};
    return;
  }
  const Operand at = contribution(x);
  emit("add " + builder_.tensor(at.tensor).label, Component::residual, Phase::backward_input,
       Pointwise{PointwiseKind::accumulate, builder_.tensor(at.tensor).local_elements()}, {dy, at});
}

void GradientBook::contributed(const Operand& x, Component component) {
  if (--readers_[instance_of(x)] > 0) return;
  if (!has_gradient(x) || !gradients_[instance_of(x)].partial) return;
  if (const Op* gather = gather_of(x)) {
    derive_exchange(*gather);  // its reduce-scatter sums the partial sums
    return;
  }
  // The gradient between the two adapter matrices may stay a partial sum: the product that follows is linear
  // in it, so its result can be summed instead.
  if (builder_.tensor(x.tensor).meaning.aspect == TensorAspect::adapter_rows) return;
  complete(x, component);
}

void GradientBook::complete(const Operand& x, Component component) {
  const auto found = gradients_.find(instance_of(x));
  if (found == gradients_.end() || !found->second.partial) return;
  Gradient& gradient = found->second;
  Tensor& sum = builder_.tensor(gradient.at.tensor);
  sum.partial = GroupKind::tp;
  Op op = all_reduce_tp(builder_, "all-reduce " + short_label(sum), component, Phase::backward_input,
                        gradient.at);
  op.blocks_compute = builder_.job().training.overlap.tp == TpOverlap::none;
  op.pipelined = builder_.job().training.overlap.tp == TpOverlap::full;
  backward_.ops.push_back(std::move(op));
  gradient.partial = false;
}

const Op* GradientBook::gather_of(const Operand& x) const {
  for (const Op& op : forward_.ops) {
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective != nullptr && collective->kind == CollectiveKind::all_gather &&
        op.operands[1].tensor == x.tensor) {
      return &op;
    }
  }
  return nullptr;
}

void GradientBook::derive_exchange(const Op& op) {
  const Collective& forward = std::get<Collective>(op.kind);
  const CollectiveKind kind = reverse(forward.kind);
  if (!has_gradient(op.operands[1])) return;  // only an indexer reads it, or nothing that is trained
  if (!exchanged_.insert(&op).second) return;
  const Operand x = op.operands[0];
  const Operand dy = gradient_of(op.operands[1]);
  const bool over_tp = forward.group == GroupKind::tp || forward.group == GroupKind::etp;
  const bool summand = !over_tp && gradients_[instance_of(op.operands[1])].partial;
  const Operand dx = contribution(x);
  if (summand) gradients_[instance_of(x)].partial = true;
  Op exchange = compute_op(std::string(to_string(kind)) + " " + short_label(builder_.tensor(dx.tensor)),
                           op.component, Phase::backward_input,
                           Collective{.kind = kind,
                                      .group = forward.group,
                                      .reduction = Reduction::sum,
                                      .payload = forward.payload,
                                      .copies = forward.copies},
                           {dy, dx});
  exchange.lane = op.lane;
  const bool is_of_experts = op.component == Component::experts || op.component == Component::router;
  exchange.pipelined = over_tp && !is_of_experts
                           ? overlaps_product(builder_, kind, op.component, Phase::backward_input)
                           : op.pipelined;
  if (forward.group == GroupKind::ep) {
    exchange.after_compute = op.after_compute;
    exchange.blocks_compute = op.blocks_compute;
  }
  if (kind == CollectiveKind::reduce_scatter) {
    // The weight gradient that follows does not read the result: it waits only in a job without overlap.
    const OverlapSpec& overlap = builder_.job().training.overlap;
    const bool is_missed = builder_.conventions().finds_single_products && !exchange.pipelined;
    const bool waits = overlap.tp == TpOverlap::none || (overlap.tp == TpOverlap::full && is_missed);
    exchange.blocks_compute = forward.group == GroupKind::cp ? !overlap.cp : waits;
  }
  backward_.ops.push_back(std::move(exchange));
}

void GradientBook::emit(std::string name, Component component, Phase phase, OpKind kind,
                        std::vector<Operand> operands) {
  backward_.ops.push_back(
      compute_op(std::move(name), component, phase, std::move(kind), std::move(operands)));
  backward_.ops.back().calls = calls_;
}

bool GradientBook::trains_nothing() const {
  return std::all_of(forward_.ops.begin(), forward_.ops.end(), [&](const Op& op) {
    return std::all_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
      return !is_weight(operand) || builder_.is_frozen(operand.tensor);
    });
  });
}

}  // namespace foreshard
