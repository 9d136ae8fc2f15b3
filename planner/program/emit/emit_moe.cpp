#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "planner/program/emit/emit_forward.hpp"
#include "planner/program/emit/emit_shared_experts.hpp"
#include "planner/spec/types/names.hpp"
#include "planner/spec/types/rank_loads.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/topology/token_copies.hpp"

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
        moe_(*builder.job().model.experts),
        width_(moe_.latent.value_or(s_.hidden)) {}

  /// x (T, D) → the weighted sum of the chosen experts' outputs (T, D). The router chooses by `routed_by` (T, D).
  /// What may run beside the exchanges is emitted by `beside_dispatch` after the tokens were sent, and by
  /// `beside_combine` after the results were.
  /// Latent experts work on narrower rows, so that the dispatch moves fewer bytes: one product makes them of x,
  /// another brings the sum back to D columns.
  TensorId run(TensorId routed_by, TensorId x, const std::function<void()>& beside_dispatch,
               const std::function<void()>& beside_combine) {
    const TensorId routes = route(routed_by);
    if (!moe_.latent) return dispatched(x, routes, beside_dispatch, beside_combine);
    const TensorId latent = latent_product("latent down", TensorItem::latent_down, x, width_, s_.hidden);
    return latent_product("latent up", TensorItem::latent_up,
                          dispatched(latent, routes, beside_dispatch, beside_combine), s_.hidden, width_);
  }

 private:
  /// A product of token rows with a weight that every tp rank has, for its own tokens.
  TensorId latent_product(const std::string& name, TensorItem item, TensorId x, std::int64_t columns,
                          std::int64_t rows) {
    const TensorId weight =
        builder_.weight(group_, {ModelPart::ffn, item, TensorAspect::weight},
                        {{.name = DimName::flat, .size = columns}, {.name = DimName::flat, .size = rows}});
    const TensorId y = tokens({ModelPart::ffn, item}, columns, s_.activation);
    emit_linear(builder_, block_, group_, {name, Component::experts, s_.layer_math, reads(x), weight, y});
    return y;
  }

  /// Dispatch, experts and combine: x (T, width) → (T, width).
  TensorId dispatched(TensorId x, TensorId routes, const std::function<void()>& beside_dispatch,
                      const std::function<void()>& beside_combine) {
    const TensorId inputs = s_.ep > 1 ? dispatch(x, routes, beside_dispatch) : gather_rows(x, routes);
    const TensorId outputs = run_experts(inputs, routes);
    const TensorId combined = tokens({ModelPart::experts, TensorItem::combined}, width_, s_.activation);
    combine(outputs, routes, combined, beside_combine);
    return combined;
  }

  /// Without expert parallelism: the rows of this rank's own tokens, and of those of its etp group.
  TensorId gather_rows(TensorId x, TensorId routes) {
    const TensorId sent = rows(TensorItem::sent, width_, sent_share(), true);
    permute("dispatch", {reads(x), reads(routes), writes(sent)}, sent, false);
    return gather_etp(sent);
  }

  TensorId gather_etp(TensorId arrived) {
    if (s_.etp == 1) return arrived;
    const TensorId inputs = rows(TensorItem::in, width_, load(), false);
    exchange("all-gather experts", CollectiveKind::all_gather, GroupKind::etp, arrived, inputs, inputs);
    return inputs;
  }

  /// x (T, D) → the rows that this rank's experts work on.
  TensorId dispatch(TensorId x, TensorId routes, const std::function<void()>& beside) {
    if (dispatcher() == Dispatcher::all_to_all) {
      const TensorId sent = rows(TensorItem::sent, width_, sent_share(), true);
      permute("dispatch", {reads(x), reads(routes), writes(sent)}, sent, false);
      const TensorId arrived = rows(TensorItem::arrived, width_, load(), true);
      exchange("all-to-all dispatch", CollectiveKind::all_to_all, GroupKind::ep, sent, arrived, arrived);
      beside();
      return gather_etp(arrived);
    }
    const TensorId arrived = copies(TensorItem::arrived);
    if (dispatcher() == Dispatcher::all_gather) {
      exchange("all-gather tokens", CollectiveKind::all_gather, GroupKind::ep, x, arrived, arrived);
    } else {
      exchange(std::string(name()) + " dispatch", CollectiveKind::all_to_all, GroupKind::ep, x, arrived,
               arrived);
    }
    beside();
    const TensorId inputs = rows(TensorItem::in, width_, load(), false);
    permute("sort by expert", {reads(arrived), reads(routes), writes(inputs)}, inputs, false);
    return inputs;
  }

  /// The experts' outputs → `combined` (T, D).
  void combine(TensorId outputs, TensorId routes, TensorId combined, const std::function<void()>& beside) {
    if (s_.ep > 1 && dispatcher() != Dispatcher::all_to_all) {
      const TensorId sums = copies(TensorItem::out);
      permute("sum by token", {reads(outputs), reads(routes), writes(sums)}, outputs, true);
      if (dispatcher() == Dispatcher::all_gather) {
        builder_.tensor(sums).partial = GroupKind::ep;
        exchange("reduce-scatter tokens", CollectiveKind::reduce_scatter, GroupKind::ep, sums, combined,
                 sums);
      } else {
        exchange(std::string(name()) + " combine", CollectiveKind::all_to_all, GroupKind::ep, sums, combined,
                 sums);
      }
      beside();
      return;
    }
    TensorId returned = outputs;
    if (s_.etp > 1) {
      returned = rows(TensorItem::out, width_, load(), true);
      exchange("reduce-scatter experts", CollectiveKind::reduce_scatter, GroupKind::etp, outputs, returned,
               outputs);
    }
    if (s_.ep > 1) {
      const TensorId back = rows(TensorItem::returned, width_, sent_share(), true);
      exchange("all-to-all combine", CollectiveKind::all_to_all, GroupKind::ep, returned, back, returned);
      returned = back;
    }
    beside();
    permute("combine", {reads(returned), reads(routes), writes(combined)}, returned, true);
  }

  [[nodiscard]] Dispatcher dispatcher() const { return builder_.job().training.dispatcher; }
  [[nodiscard]] std::string_view name() const { return word_of(dispatcher()); }
  [[nodiscard]] bool loops() const { return dispatcher() == Dispatcher::loop; }

  /// How often a token is copied where it is sent once to each rank that needs it.
  [[nodiscard]] TokenCopies token_copies_here() const {
    const ClusterSpec& cluster = builder_.job().cluster;
    const Group ep = DeviceMesh(builder_.job().parallelism).group(GroupKind::ep);
    const GroupSpan span = cluster.fabric == NodeFabric::none ? GroupSpan{.per_node = 1, .nodes = ep.size}
                                                              : span_of(ep, cluster.devices_per_node);
    return token_copies(moe_, ep, span);
  }

  /// A (T·c, D) tensor of tokens: with an all-gather those of all ranks of the ep group, else the copies that come to
  /// the busiest rank. @pre etp is 1
  TensorId copies(TensorItem item) {
    const auto parts = static_cast<std::int64_t>(s_.tp) * s_.cp;
    const auto own = static_cast<double>(s_.tokens / parts);
    const double each = dispatcher() == Dispatcher::all_gather
                            ? static_cast<double>(s_.ep)
                            : std::max(1.0, token_copies_here().ranks * load());
    const auto local = static_cast<std::int64_t>(std::ceil(own * each));
    Tensor tensor = tensor_of({ModelPart::experts, item});
    tensor.dtype = s_.activation;
    tensor.dims = {{.name = DimName::tokens, .size = checked_product(local, parts), .tp = s_.tp, .cp = s_.cp},
                   {.name = DimName::flat, .size = width_}};
    return builder_.add(std::move(tensor));
  }

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
    constexpr double kRounding = 1e-6;  // of the load's factors, in rows
    const auto loaded = static_cast<std::int64_t>(std::ceil(static_cast<double>(mean) * load - kRounding));
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
    block_.ops.push_back(compute_op(name, Component::experts, Phase::forward,
                                    Permute{.rows = tensor.dims[0].local(),
                                            .width = tensor.dims[1].local(),
                                            .weighted = weighted,
                                            .weighs = weighted ? !weighs_activations(builder_.job()) : true},
                                    std::move(operands)));
    one_by_one(1);
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
      const EpOverlap overlap = builder_.job().training.overlap.ep;
      op.pipelined = overlap == EpOverlap::pipelined;
      // On a CPU a running collective occupies the core that would compute.
      op.after_compute = op.blocks_compute =
          overlap == EpOverlap::none || builder_.job().cluster.accelerator.is_cpu;
      const bool sends_copies = dispatcher() == Dispatcher::deepep || dispatcher() == Dispatcher::hybridep;
      if (sends_copies) std::get<Collective>(op.kind).copies = token_copies_here();
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
                {"router", Component::router, s_.wide_math, reads(x), weight, logits, bias});
    std::vector<Operand> operands{reads(logits)};
    if (moe_.score_bias && !builder_.kind().hash_routing) operands.push_back(reads(score_bias()));
    if (moe_.own_norms)
      operands.push_back(reads(builder_.weight(
          group_, {ModelPart::router, TensorItem::expert_scale, TensorAspect::weight}, {experts_dim()})));
    // The chosen experts and their weights.
    const TensorId routes = tokens({ModelPart::router, TensorItem::routes}, 2 * moe_.per_token, DType::fp32);
    operands.push_back(writes(routes));
    block_.ops.push_back(compute_op("top-k", Component::router, Phase::forward,
                                    Route{.tokens = builder_.tensor(logits).dims[0].local(),
                                          .experts = moe_.count,
                                          .per_token = moe_.per_token,
                                          .imbalance = busiest()},
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
      operands.push_back(reads(builder_.weight(experts_, bias, {w.dims[0], w.dims[1]}, w.sections)));
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
    one_by_one(1);
  }

  /// In a loop over experts the last `count` operations run once for each expert.
  void one_by_one(std::size_t count) {
    if (!loops()) return;
    for (std::size_t i = block_.ops.size() - count; i < block_.ops.size(); ++i)
      block_.ops[i].calls = static_cast<std::int32_t>(moe_.count / s_.ep);
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

  TensorId run_experts(TensorId inputs, TensorId routes) {
    const FfnParts parts = ffn_parts(builder_.job().model, moe_.hidden);
    const Dim hidden{.name = DimName::hidden, .size = width_};
    const TensorId up_weight =
        expert_weight(parts.up, cut_dim(DimName::ffn, parts.up_rows, s_.etp, true), hidden, parts.sections);
    const TensorId up = rows(parts.up, parts.up_rows, load(), false, true);
    grouped("experts " + parts.up_name, inputs, up_weight, up);
    const TensorId activated = rows(TensorItem::act, moe_.hidden, load(), false, true);
    const std::size_t before = block_.ops.size();
    emit_ffn_activation(builder_, block_, Component::experts, up, activated,
                        weighs_activations(builder_.job()) ? std::optional(routes) : std::nullopt);
    one_by_one(block_.ops.size() - before);
    const TensorId down_weight =
        expert_weight(TensorItem::down, hidden, cut_dim(DimName::ffn, moe_.hidden, s_.etp, true));
    const TensorId down = rows(TensorItem::down, width_, load(), false);
    if (s_.etp > 1) builder_.tensor(down).partial = GroupKind::etp;
    grouped("experts down", activated, down_weight, down);
    return down;
  }

  /// The busiest rank's number of rows over the mean, at most the experts' capacity. Without expert parallelism it is 1: each rank holds all
  /// experts, so its rows are those of its own tokens whatever the router chooses.
  [[nodiscard]] double load() const {
    const double all = s_.ep > 1 ? busiest() : 1.0;
    const std::optional<CapacitySpec>& capacity = builder_.job().training.expert_capacity;
    if (!capacity) return all;
    return capacity->pad ? capacity->factor : std::min(all, capacity->factor);
  }

  [[nodiscard]] double busiest() const { return rank_loads(moe_, s_.ep).most * builder_.kind().expert_load; }

  /// Rows that a rank sends over those of all choices of its tokens: what is dropped is not sent, and padding is.
  [[nodiscard]] double sent_share() const {
    const std::optional<CapacitySpec>& capacity = builder_.job().training.expert_capacity;
    if (!capacity) return 1.0;
    return capacity->pad ? capacity->factor : std::min(1.0, capacity->factor);
  }

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  WeightGroup& experts_;
  const BlockShapes& s_;
  const ExpertsSpec& moe_;
  std::int64_t width_;  ///< of the rows that experts work on
};

}  // namespace

bool weighs_activations(const JobSpec& job) {
  if (!job.model.experts) return false;
  // With PyTorch's FSDP: NeMo Automodel's experts, which take their rows from these dispatchers.
  const Dispatcher dispatcher = job.training.dispatcher;
  const bool automodel = job.framework == Framework::torch_fsdp &&
                         (dispatcher == Dispatcher::deepep || dispatcher == Dispatcher::hybridep);
  return automodel || job.conventions().weighs_activations;
}

void emit_moe_ffn(ProgramBuilder& builder, Block& block, WeightGroup& group, WeightGroup& experts) {
  const ExpertsSpec& moe = *builder.job().model.experts;
  const TensorId normed = emit_ffn_norm(builder, block, group);
  const auto norm = [&](const std::string& name, TensorItem item, Operand x) {
    return emit_norm(builder, block, group, name, item, x);
  };
  TensorId routed_by = normed;
  TensorId routed_input = normed;
  if (moe.own_norms) {
    routed_by = norm("router norm", TensorItem::router_norm, ffn_input(builder));
    routed_input = norm("routed norm", TensorItem::routed_norm, ffn_input(builder));
  }
  // Beside the exchanges, as Megatron-LM overlaps them: up to the activation beside dispatch, the rest beside
  // combine. Else after the routed experts.
  const bool beside = builder.job().training.overlap.ep == EpOverlap::shared && builder.shapes().ep > 1;
  SharedExperts shared;
  if (beside) shared = emit_shared_experts(builder, block, group, normed);
  TensorId out = MoeEmitter(builder, block, group, experts)
                     .run(
                         routed_by, routed_input, [&] { append_ops(block, std::move(shared.first)); },
                         [&] { append_ops(block, std::move(shared.second)); });
  if (moe.own_norms) out = norm("routed post norm", TensorItem::routed_post_norm, reads(out));
  if (!beside) {
    shared = emit_shared_experts(builder, block, group, normed);
    append_ops(block, std::move(shared.first));
    append_ops(block, std::move(shared.second));
  }
  if (shared.out) {
    const TensorId sum = builder.activation({ModelPart::ffn, TensorItem::ffn_sum}, DimName::hidden,
                                            builder.shapes().hidden, false);
    block.ops.push_back(compute_op("add shared experts", Component::residual, Phase::forward,
                                   Pointwise{PointwiseKind::add, builder.tensor(sum).local_elements()},
                                   {reads(out), reads(*shared.out), writes(sum)}));
    out = sum;
  }
  emit_ffn_residual(builder, block, group, out);
}

}  // namespace foreshard
