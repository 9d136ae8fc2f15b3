#include <algorithm>
#include <cmath>
#include <utility>

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// The tensors of one mixture-of-experts sublayer. Rows are (token, chosen expert) pairs. Tensor parallelism
/// comes with sequence parallelism here, so that a tp rank always routes its own tokens: their rows go through an
/// all-to-all over ep, then an all-gather over etp, and come back through a reduce-scatter over etp and an
/// all-to-all over ep, as in Megatron-LM's MoEAlltoAllTokenDispatcher.
class MoeEmitter {
 public:
  MoeEmitter(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& experts)
      : builder_(builder),
        block_(block),
        group_(group),
        experts_(experts),
        s_(builder.shapes()),
        moe_(*builder.job().model.experts) {}

  /// x (T, D) → the weighted sum of the chosen experts' outputs (T, D).
  TensorId run(TensorId x) {
    const TensorId routes = route(x);
    const TensorId sent = rows(TensorItem::sent, s_.hidden, 1.0, true);
    permute("dispatch", {reads(x), reads(routes), writes(sent)}, sent, false);
    TensorId arrived = sent;
    if (s_.ep > 1) {
      arrived = rows(TensorItem::arrived, s_.hidden, load(), true);
      exchange("all-to-all dispatch", CollectiveKind::all_to_all, GroupKind::ep, sent, arrived, arrived);
    }
    TensorId inputs = arrived;
    if (s_.etp > 1) {
      inputs = rows(TensorItem::in, s_.hidden, load(), false);
      exchange("all-gather experts", CollectiveKind::all_gather, GroupKind::etp, arrived, inputs, inputs);
    }
    TensorId outputs = run_experts(inputs);
    if (s_.etp > 1) {
      const TensorId whole = outputs;
      outputs = rows(TensorItem::out, s_.hidden, load(), true);
      exchange("reduce-scatter experts", CollectiveKind::reduce_scatter, GroupKind::etp, whole, outputs,
               whole);
    }
    TensorId returned = outputs;
    if (s_.ep > 1) {
      returned = rows(TensorItem::returned, s_.hidden, 1.0, true);
      exchange("all-to-all combine", CollectiveKind::all_to_all, GroupKind::ep, outputs, returned, outputs);
    }
    const TensorId combined = tokens({ModelPart::experts, TensorItem::combined}, s_.hidden, s_.activation);
    permute("combine", {reads(returned), reads(routes), writes(combined)}, returned, true);
    return combined;
  }

 private:
  /// (T, columns) on the token shards that sequence parallelism leaves to a tp rank.
  TensorId tokens(const Meaning& meaning, std::int64_t columns, DType type) {
    Tensor tensor = tensor_of(meaning);
    tensor.dtype = type;
    tensor.dims = {{.name = DimName::tokens, .size = s_.tokens, .tp = s_.tp, .cp = s_.cp},
                   {.name = DimName::flat, .size = columns}};
    return builder_.add(std::move(tensor));
  }

  /// A (T·k, columns) tensor of routed rows; `load` is the busiest rank's number of rows over the mean. `cut`: a
  /// rank has the rows of its own tokens, or as many that arrived. Else it has those of its whole etp group: the
  /// rows of a micro-batch lie in tp·cp/etp parts (one part per cp rank if etp = tp). An etp group that is wider
  /// than tp collects the rows of several micro-batches, in one part per cp rank.
  TensorId rows(TensorItem item, std::int64_t columns, double load, bool cut, bool columns_cut = false) {
    const std::int64_t even = checked_product(s_.tokens, moe_.per_token);
    const std::int64_t mean = even / (static_cast<std::int64_t>(s_.tp) * s_.cp);
    const auto loaded = static_cast<std::int64_t>(std::ceil(static_cast<double>(mean) * load));
    const std::int64_t local = cut ? loaded : checked_product(loaded, s_.etp);
    const std::int32_t parts = cut ? s_.tp : std::max(s_.tp / s_.etp, 1);
    Tensor tensor = tensor_of({ModelPart::experts, item});
    tensor.dtype = s_.activation;
    tensor.dims = {
        {.name = DimName::tokens, .size = checked_product(local, parts, s_.cp), .tp = parts, .cp = s_.cp},
        cut_dim(DimName::flat, columns, s_.etp, columns_cut)};
    return builder_.add(std::move(tensor));
  }

  void permute(const std::string& name, std::vector<Operand> operands, TensorId rows, bool weighted) {
    const Tensor& tensor = builder_.tensor(rows);
    block_.ops.push_back(compute_op(
        name, Component::experts, Phase::forward,
        Permute{.rows = tensor.dims[0].local(), .width = tensor.dims[1].local(), .weighted = weighted},
        std::move(operands)));
  }

  void exchange(const std::string& name, CollectiveKind kind, GroupKind group, TensorId from, TensorId to,
                TensorId whole) {
    Op op = compute_op(name, Component::experts, Phase::forward,
                       Collective{.kind = kind,
                                  .group = group,
                                  .reduction = Reduction::sum,
                                  .payload = builder_.tensor(whole).local_bytes()},
                       {reads(from), writes(to)});
    op.lane = lane_of(group);
    if (group == GroupKind::ep) {
      op.pipelined = builder_.job().training.overlap.ep;
      op.after_compute = op.blocks_compute = !op.pipelined;  // shared experts could run meanwhile
    }
    block_.ops.push_back(std::move(op));
  }

  TensorId route(TensorId x) {
    const TensorId weight = builder_.weight(
        group_, {ModelPart::router, TensorItem::router, TensorAspect::weight},
        {{.name = DimName::flat, .size = moe_.count}, {.name = DimName::hidden, .size = s_.hidden}});
    const TensorId logits = tokens({ModelPart::router, TensorItem::router_logits}, moe_.count, s_.activation);
    std::optional<TensorId> bias;
    if (has_biases())
      bias = builder_.weight(group_, {ModelPart::router, TensorItem::router, TensorAspect::bias},
                             {experts_dim()});
    emit_linear(builder_, block_, group_,
                {"router", Component::router, s_.activation, reads(x), weight, logits, bias});
    std::vector<Operand> operands{reads(logits)};
    if (moe_.score_bias) operands.push_back(reads(score_bias()));
    // The chosen experts and their weights.
    const TensorId routes = tokens({ModelPart::router, TensorItem::routes}, 2 * moe_.per_token, DType::fp32);
    operands.push_back(writes(routes));
    block_.ops.push_back(compute_op("top-k", Component::router, Phase::forward,
                                    Route{.tokens = builder_.tensor(logits).dims[0].local(),
                                          .experts = moe_.count,
                                          .per_token = moe_.per_token,
                                          .imbalance = moe_.imbalance},
                                    std::move(operands)));
    return routes;
  }

  /// The bias of the router's choice. It is not trained by gradients, so it is added like a frozen weight.
  TensorId score_bias() {
    Tensor bias = tensor_of({ModelPart::router, TensorItem::router, TensorAspect::score_bias});
    bias.role = TensorRole::weight;
    bias.dtype = DType::fp32;
    bias.lifetime = Lifetime::step;
    bias.dims = {experts_dim()};
    return builder_.frozen_weight(group_, std::move(bias));
  }

  [[nodiscard]] Dim experts_dim() const { return {.name = DimName::flat, .size = moe_.count}; }
  [[nodiscard]] bool has_biases() const { return builder_.job().model.biases == Biases::all; }

  TensorId expert_weight(TensorItem item, Dim out, Dim in, std::vector<std::int64_t> sections = {}) {
    return builder_.weight(experts_, {ModelPart::experts, item, TensorAspect::weight},
                           {{.name = DimName::flat, .size = moe_.count, .ep = s_.ep}, out, in},
                           std::move(sections));
  }

  void grouped(const std::string& name, TensorId x, TensorId weight, TensorId y) {
    const Tensor w = builder_.tensor(weight);
    const TensorId wide = dequantised(builder_, block_, name, Component::experts, weight);
    std::vector<Operand> operands{reads(x), reads(wide), writes(y)};
    if (has_biases()) {
      const Meaning bias = with(w.meaning, TensorAspect::bias);
      operands.push_back(reads(builder_.weight(experts_, bias, {w.dims[0], w.dims[1]})));
    }
    grouped_product(name, w.dims[1].local(), w.dims[2].local(), s_.layer_math, std::move(operands));
    if (builder_.job().lora && builder_.job().lora->has(LoraTarget::experts)) adapt(name, x, w, y);
  }

  void grouped_product(const std::string& name, std::int64_t n, std::int64_t k, DType math,
                       std::vector<Operand> operands) {
    const Tensor& w = builder_.tensor(operands[1].tensor);
    const Tensor& y = builder_.tensor(operands[2].tensor);
    block_.ops.push_back(compute_op(
        name, Component::experts, Phase::forward,
        GroupedGemm{.experts = w.dims[0].local(), .tokens = y.dims[0].local(), .n = n, .k = k, .math = math},
        std::move(operands)));
  }

  /// Adds low-rank adapters of every expert: one for each projection that the weight fuses.
  void adapt(const std::string& name, TensorId x, const Tensor& w, TensorId y) {
    std::vector<std::pair<TensorItem, std::int64_t>> projections{{w.meaning.item, w.dims[1].size}};
    if (w.sections.size() == 2)
      projections = {{TensorItem::gate, w.sections[0]}, {TensorItem::up, w.sections[1]}};
    const Dim rank{.name = DimName::flat, .size = builder_.job().lora->rank};
    for (const auto& [item, out] : projections) {
      const Meaning meaning{ModelPart::experts, item, TensorAspect::weight};
      Dim rows = w.dims[1];
      rows.size = out;
      const TensorId a =
          builder_.weight(experts_, with(meaning, TensorAspect::adapter_a), {w.dims[0], rank, w.dims[2]});
      const TensorId b =
          builder_.weight(experts_, with(meaning, TensorAspect::adapter_b), {w.dims[0], rows, rank});
      Tensor narrow = tensor_of(with(meaning, TensorAspect::adapter_rows));
      narrow.dtype = s_.activation;
      narrow.dims = {builder_.tensor(y).dims[0], rank};
      const TensorId xa = builder_.add(std::move(narrow));
      grouped_product(name + " lora a", rank.size, w.dims[2].local(), s_.activation,
                      {reads(x), reads(a), writes(xa)});
      grouped_product(name + " lora b", rows.local(), rank.size, s_.activation,
                      {reads(xa), reads(b), adds_to(y)});
    }
  }

  TensorId run_experts(TensorId inputs) {
    const FfnParts parts = ffn_parts(builder_.job().model, moe_.hidden);
    const Dim hidden{.name = DimName::hidden, .size = s_.hidden};
    const TensorId up_weight =
        expert_weight(parts.up, cut_dim(DimName::ffn, parts.up_rows, s_.etp, true), hidden, parts.sections);
    const TensorId up = rows(parts.up, parts.up_rows, load(), false, true);
    grouped("experts " + parts.up_name, inputs, up_weight, up);
    const TensorId activated = rows(TensorItem::act, moe_.hidden, load(), false, true);
    emit_ffn_activation(builder_, block_, Component::experts, up, activated);
    const TensorId down_weight =
        expert_weight(TensorItem::down, hidden, cut_dim(DimName::ffn, moe_.hidden, s_.etp, true));
    const TensorId down = rows(TensorItem::down, s_.hidden, load(), false);
    if (s_.etp > 1) builder_.tensor(down).partial = GroupKind::etp;
    grouped("experts down", activated, down_weight, down);
    return down;
  }

  /// The busiest rank's number of rows over the mean. Without expert parallelism it is 1: each rank holds all
  /// experts, so its rows are those of its own tokens whatever the router chooses.
  [[nodiscard]] double load() const { return s_.ep > 1 ? moe_.imbalance : 1.0; }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  WeightGroup& experts_;
  const BlockShapes& s_;
  const ExpertsSpec& moe_;
};

}  // namespace

void emit_moe_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& experts) {
  const TensorId normed = emit_ffn_norm(builder, block, group);
  TensorId out = MoeEmitter(builder, block, group, experts).run(normed);
  const std::int64_t shared_hidden = builder.job().model.experts->shared_hidden;
  if (shared_hidden > 0) {
    const TensorId shared = emit_mlp(builder, block, group, ModelPart::shared_experts, shared_hidden, normed);
    const TensorId sum = builder.activation({ModelPart::ffn, TensorItem::ffn_sum}, DimName::hidden,
                                            builder.shapes().hidden, false);
    block.ops.push_back(compute_op("add shared experts", Component::residual, Phase::forward,
                                   Pointwise{PointwiseKind::add, builder.tensor(sum).local_elements()},
                                   {reads(out), reads(shared), writes(sum)}));
    out = sum;
  }
  emit_ffn_residual(builder, block, group, out);
}

}  // namespace foreshard
