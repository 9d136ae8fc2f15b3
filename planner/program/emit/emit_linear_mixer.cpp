#include <algorithm>
#include <numeric>
#include <utility>

#include "planner/program/emit/emit_forward.hpp"

namespace foreshard {

namespace {

/// The sizes that the three linear mixers have in common, whole model.
struct MixerSizes {
  ScanForm form = ScanForm::ssd;
  std::int64_t heads = 0;  ///< heads of values
  std::int64_t key_heads = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  std::int64_t conv_kernel = 0;
  std::int64_t chunk = 0;
  bool conv_bias = false;
  bool projection_bias = false;
  /// Columns of the input product, in the order of the convolution's first: those that it reads, then the rest.
  std::vector<std::int64_t> convolved;
  std::vector<std::int64_t> further;

  [[nodiscard]] std::int64_t values() const { return heads * value_dim; }
};

MixerSizes sizes_of(const Mamba2& m) {
  return {.form = ScanForm::ssd,
          .heads = m.heads,
          .key_heads = m.groups,
          .key_dim = m.state_dim,
          .value_dim = m.head_dim,
          .conv_kernel = m.conv_kernel,
          .chunk = m.chunk,
          .conv_bias = m.conv_bias,
          .projection_bias = m.projection_bias,
          .convolved = {m.inner(), m.groups * m.state_dim, m.groups * m.state_dim},  // x, B, C
          .further = {m.inner(), m.heads}};                                          // z, dt
}

MixerSizes sizes_of(const GatedDeltaNet& g) {
  const std::int64_t keys = g.key_heads * g.key_head_dim;
  const std::int64_t values = g.value_heads * g.value_head_dim;
  return {.form = ScanForm::gated_delta,
          .heads = g.value_heads,
          .key_heads = g.key_heads,
          .key_dim = g.key_head_dim,
          .value_dim = g.value_head_dim,
          .conv_kernel = g.conv_kernel,
          .chunk = g.chunk,
          .convolved = {keys, keys, values},                   // q, k, v
          .further = {values, g.value_heads, g.value_heads}};  // z, beta, decay
}

MixerSizes sizes_of(const KimiDelta& k) {
  const std::int64_t width = k.heads * k.head_dim;
  return {.form = ScanForm::kimi_delta,
          .heads = k.heads,
          .key_heads = k.heads,
          .key_dim = k.head_dim,
          .value_dim = k.head_dim,
          .conv_kernel = k.conv_kernel,
          .chunk = k.chunk,
          .convolved = {width, width, width},  // q, k, v
          .further = {k.heads}};               // beta
}

MixerSizes sizes_of(const Mixer& mixer) {
  if (const auto* mamba = std::get_if<Mamba2>(&mixer)) return sizes_of(*mamba);
  if (const auto* net = std::get_if<GatedDeltaNet>(&mixer)) return sizes_of(*net);
  return sizes_of(std::get<KimiDelta>(mixer));
}

std::int64_t columns_of(const std::vector<std::int64_t>& sections) {
  return std::accumulate(sections.begin(), sections.end(), std::int64_t{0});
}

/// A linear mixer: the input product, a causal convolution, the scan, a gated norm. Heads, and with them columns,
/// are cut over tp, as in Megatron-LM. Over cp, all-to-alls turn a share of the tokens with all heads of a tp rank
/// into all tokens with a share of them before the convolution, and back. In the delta rules they come back after the
/// norm of each head. Mamba-2's norms are of groups, whose heads may lie on several cp ranks: there the gate is
/// applied to the scan's output, and the norm runs after the way back. Groups that are fewer than the ranks go to
/// several (Megatron-LM's MambaContextParallel and its "headwise" mode for delta rules).
/// Sources: arXiv:2405.21060, arXiv:2412.06464, arXiv:2510.26692; the models of mamba_ssm, Megatron-LM and
/// flash-linear-attention. What their kernels keep for backward: docs/formulas.md.
class LinearMixer {
 public:
  LinearMixer(ProgramBuilder& builder, Block& block, WeightGroup& group)
      : builder_(builder),
        block_(block),
        group_(group),
        s_(builder.shapes()),
        m_(sizes_of(builder.kind().mixer)) {}

  Mixed run(TensorId x) {
    // Products of replicated weights come first in forward, so that backward adds their complete gradients last.
    const auto* kimi = std::get_if<KimiDelta>(&builder_.kind().mixer);
    std::optional<TensorId> decay_rows;
    std::optional<TensorId> gate_rows;
    if (kimi != nullptr) {
      decay_rows = low_rank("decay down", TensorItem::decay_down, x, kimi->decay_rank);
      if (kimi->gate_rank > 0) gate_rows = low_rank("gate down", TensorItem::gate_down, x, kimi->gate_rank);
    }
    const TensorId columns = over_heads(input_product(x), "in_proj");
    std::vector<Operand> scanned{reads(convolution(columns)), reads(columns)};
    TensorId gate = columns;
    if (kimi != nullptr) {
      const TensorId decay =
          wide("decay up", TensorItem::decay_up, *decay_rows, m_.heads * m_.key_dim, false);
      scanned.push_back(reads(over_heads(decay, "decay")));
      const TensorId wide_gate =
          wide("gate", TensorItem::gate, gate_rows.value_or(x), m_.values(), kimi->gate_bias);
      gate = over_heads(wide_gate, "gate");
    }
    const TensorId scan_output = scan(std::move(scanned));
    const bool norms_last = s_.cp > 1 && m_.form == ScanForm::ssd;
    const TensorId rows = norms_last ? group_norm(over_tokens(gated(scan_output, gate)))
                                     : over_tokens(gated_norm(scan_output, gate));
    return {.rows = rows,
            .width = m_.values(),
            .part = ModelPart::mixer,
            .component = Component::mixer,
            .has_bias = m_.projection_bias};
  }

 private:
  [[nodiscard]] std::int64_t parts() const { return static_cast<std::int64_t>(s_.tp) * s_.cp; }
  [[nodiscard]] std::int64_t local_heads() const { return m_.heads / parts(); }
  /// Key heads or groups on a rank: its own, or one that several ranks share.
  [[nodiscard]] std::int64_t local_key_heads() const {
    return std::max<std::int64_t>(m_.key_heads / parts(), 1);
  }

  TensorId input_product(TensorId x) {
    std::vector<std::int64_t> sections = m_.convolved;
    sections.insert(sections.end(), m_.further.begin(), m_.further.end());
    const Dim rows = cut_dim(DimName::flat, columns_of(sections), s_.tp, true);
    const TensorId weight =
        builder_.weight(group_, {ModelPart::mixer, TensorItem::in_proj, TensorAspect::weight},
                        {rows, {.name = DimName::hidden, .size = s_.hidden}}, sections);
    std::optional<TensorId> bias;
    if (m_.projection_bias)
      bias = builder_.weight(group_, {ModelPart::mixer, TensorItem::in_proj, TensorAspect::bias}, {rows},
                             sections);
    Tensor y = tensor_of({ModelPart::mixer, TensorItem::in_proj});
    y.dtype = s_.activation;
    y.dims = {{.name = DimName::tokens, .size = s_.tokens, .cp = s_.cp}, rows};
    y.column_sections = sections;
    const TensorId columns = builder_.add(std::move(y));
    emit_linear(builder_, block_, group_,
                {"in_proj", Component::mixer, s_.layer_math, reads(x), weight, columns, bias});
    return columns;
  }

  /// A product whose weight is replicated over tp: x → (T, rank).
  TensorId low_rank(const std::string& name, TensorItem item, TensorId x, std::int64_t rank) {
    const TensorId weight = builder_.weight(
        group_, {ModelPart::mixer, item, TensorAspect::weight},
        {{.name = DimName::flat, .size = rank}, {.name = DimName::hidden, .size = s_.hidden}});
    const TensorId y = builder_.activation({ModelPart::mixer, item}, DimName::flat, rank, false);
    emit_linear(builder_, block_, group_, {name, Component::mixer, s_.layer_math, reads(x), weight, y});
    return y;
  }

  /// A product whose columns are cut over tp by heads.
  TensorId wide(const std::string& name, TensorItem item, TensorId x, std::int64_t columns, bool has_bias) {
    const Dim rows = cut_dim(DimName::flat, columns, s_.tp, true);
    const TensorId weight =
        builder_.weight(group_, {ModelPart::mixer, item, TensorAspect::weight},
                        {rows, {.name = DimName::flat, .size = builder_.tensor(x).dims[1].size}});
    std::optional<TensorId> bias;
    if (has_bias) bias = builder_.weight(group_, {ModelPart::mixer, item, TensorAspect::bias}, {rows});
    const TensorId y = builder_.activation({ModelPart::mixer, item}, DimName::flat, columns, true);
    emit_linear(builder_, block_, group_, {name, Component::mixer, s_.layer_math, reads(x), weight, y, bias});
    return y;
  }

  /// All tokens with a share of the heads; the tensor itself without context parallelism. Groups that are fewer
  /// than the ranks are sent to several of them.
  TensorId over_heads(TensorId own, const std::string& name) {
    if (s_.cp == 1) return own;
    const Tensor& whole = builder_.tensor(own);
    Tensor shared = tensor_of(with(whole.meaning, TensorAspect::own_heads));
    shared.dtype = whole.dtype;
    shared.dims = whole.dims;
    shared.column_sections = whole.column_sections;
    shared.dims[0].cp = 1;
    shared.dims[1].cp = s_.cp;
    if (m_.form == ScanForm::ssd && m_.key_heads < parts()) {
      const std::int64_t repeated = 2 * (parts() - m_.key_heads) * m_.key_dim;
      shared.dims[1].size += repeated;
      shared.column_sections[1] = shared.column_sections[2] = parts() * m_.key_dim;
    }
    const TensorId id = builder_.add(std::move(shared));
    exchange("all-to-all " + name, own, id);
    return id;
  }

  TensorId over_tokens(TensorId own) {
    if (s_.cp == 1) return own;
    const TensorId back =
        builder_.activation({ModelPart::mixer, TensorItem::gated}, DimName::flat, m_.values(), true);
    exchange("all-to-all scanned", own, back);
    return back;
  }

  void exchange(const std::string& name, TensorId from, TensorId to) {
    const Bytes payload = std::max(builder_.tensor(from).local_bytes(), builder_.tensor(to).local_bytes());
    Op op = compute_op(name, Component::mixer, Phase::forward,
                       Collective{.kind = CollectiveKind::all_to_all,
                                  .group = GroupKind::cp,
                                  .reduction = Reduction::sum,
                                  .payload = payload},
                       {reads(from), writes(to)});
    op.lane = Lane::cp;
    op.pipelined = builder_.job().training.overlap.cp;
    block_.ops.push_back(std::move(op));
  }

  /// A (T, columns) activation of this rank's heads: all tokens, where heads are distributed over cp.
  Tensor of_heads(const Meaning& meaning, std::int64_t columns) {
    Tensor tensor = tensor_of(meaning);
    tensor.dtype = s_.activation;
    tensor.dims = {{.name = DimName::tokens, .size = s_.tokens},
                   cut_dim(DimName::flat, columns, s_.tp, true)};
    tensor.dims[1].cp = s_.cp;
    return tensor;
  }

  TensorId convolution(TensorId columns) {
    const std::int64_t key_heads = std::max(m_.key_heads, parts());
    const std::int64_t channels = columns_of(m_.convolved);
    const std::int64_t run =
        local_heads() * m_.value_dim + 2 * (key_heads / parts()) * m_.key_dim;  // of one rank
    const std::int64_t keys = 2 * key_heads * m_.key_dim;
    const TensorId weight = builder_.weight(
        group_, {ModelPart::mixer, TensorItem::conv, TensorAspect::weight},
        {cut_dim(DimName::flat, channels, s_.tp, true), {.name = DimName::flat, .size = m_.conv_kernel}},
        m_.convolved);
    std::vector<Operand> operands{reads(columns), reads(weight)};
    if (m_.conv_bias)
      operands.push_back(
          reads(builder_.weight(group_, {ModelPart::mixer, TensorItem::conv, TensorAspect::bias},
                                {cut_dim(DimName::flat, channels, s_.tp, true)}, m_.convolved)));
    const TensorId convolved =
        builder_.add(of_heads({ModelPart::mixer, TensorItem::conv}, m_.values() + keys));
    operands.push_back(writes(convolved));
    block_.ops.push_back(compute_op("convolution", Component::mixer, Phase::forward,
                                    CausalConv{.tokens = s_.tokens,
                                               .channels = run,
                                               .kernel = m_.conv_kernel,
                                               .runs_again = m_.form == ScanForm::ssd},
                                    std::move(operands)));
    return convolved;
  }

  /// A vector with `width` elements for each head.
  Operand per_head(TensorItem item, TensorAspect aspect, std::int64_t width) {
    return reads(builder_.weight(group_, {ModelPart::mixer, item, aspect},
                                 {cut_dim(DimName::heads, m_.heads * width, s_.tp, true)}));
  }

  TensorId scan(std::vector<Operand> operands) {
    const bool is_kimi = m_.form == ScanForm::kimi_delta;
    operands.push_back(per_head(TensorItem::decay, TensorAspect::weight, 1));
    operands.push_back(per_head(TensorItem::time_step, TensorAspect::bias, is_kimi ? m_.key_dim : 1));
    if (m_.form == ScanForm::ssd) operands.push_back(per_head(TensorItem::skip, TensorAspect::weight, 1));
    const TensorId y = builder_.add(of_heads({ModelPart::mixer, TensorItem::scan}, m_.values()));
    operands.push_back(writes(y));
    if (m_.form != ScanForm::ssd) {
      // The inverse of each chunk's square; with a decay of each channel also its square of queries and keys.
      const std::int64_t squares = is_kimi ? 2 : 1;
      operands.push_back(writes(builder_.add(of_heads(
          {ModelPart::mixer, TensorItem::chunks}, squares * m_.heads * std::min(m_.chunk, s_.sequence)))));
    }
    block_.ops.push_back(compute_op("scan", Component::scan, Phase::forward,
                                    LinearScan{.form = m_.form,
                                               .batch = s_.batch,
                                               .positions = s_.sequence,
                                               .heads = local_heads(),
                                               .key_heads = local_key_heads(),
                                               .key_dim = m_.key_dim,
                                               .value_dim = m_.value_dim,
                                               .chunk = m_.chunk,
                                               .math = s_.activation},
                                    std::move(operands)));
    return y;
  }

  /// The scan's output times act(gate), which Mamba-2's scan applies itself.
  TensorId gated(TensorId x, TensorId gate) {
    const Meaning meaning = with({ModelPart::mixer, TensorItem::gated}, TensorAspect::own_heads);
    const TensorId y = builder_.add(of_heads(meaning, m_.values()));
    block_.ops.push_back(compute_op("gate", Component::mixer, Phase::forward,
                                    Gate{.elements = builder_.tensor(y).local_elements()},
                                    {reads(gate), reads(x), writes(y)}));
    return y;
  }

  /// Norms of groups of Mamba-2, whose weights are cut with them; norms of heads of the delta rules, which share
  /// one weight.
  TensorId gated_norm(TensorId x, TensorId gate) {
    const std::int64_t norms = m_.form == ScanForm::ssd ? m_.key_heads : m_.heads;
    return norm({reads(x), reads(gate)}, of_heads(kNormed, m_.values()), of_heads(kStatistics, norms));
  }

  /// Mamba-2's norms of this rank's tokens, after the gate.
  TensorId group_norm(TensorId x) {
    Tensor rows = of_heads(kNormed, m_.values());
    Tensor groups = of_heads(kStatistics, m_.key_heads);
    for (Tensor* tensor : {&rows, &groups}) {
      tensor->dims[0].cp = s_.cp;
      tensor->dims[1].cp = 1;
    }
    return norm({reads(x)}, std::move(rows), std::move(groups));
  }

  /// @param inputs  x and, if the norm applies it, the gate
  /// @param y       the output; `stats` has the shape of its statistics
  TensorId norm(std::vector<Operand> inputs, Tensor y, Tensor stats) {
    const Dim width = m_.form == ScanForm::ssd ? cut_dim(DimName::flat, m_.values(), s_.tp, true)
                                               : Dim{.name = DimName::flat, .size = m_.value_dim};
    const bool is_gated = inputs.size() > 1;
    inputs.push_back(reads(builder_.weight(group_, with(kNormed, TensorAspect::weight), {width})));
    stats.dtype = DType::fp32;
    const std::int64_t elements = y.local_elements();
    const std::int64_t rows = stats.local_elements();
    const TensorId out = builder_.add(std::move(y));
    inputs.push_back(writes(out));
    inputs.push_back(writes(builder_.add(std::move(stats))));
    block_.ops.push_back(compute_op(is_gated ? "gated norm" : "norm of groups", Component::mixer,
                                    Phase::forward, GatedNorm{.rows = rows, .width = elements / rows},
                                    std::move(inputs)));
    return out;
  }

  static constexpr Meaning kNormed{ModelPart::norm, TensorItem::scan_norm, TensorAspect::output};
  static constexpr Meaning kStatistics{ModelPart::norm, TensorItem::scan_norm, TensorAspect::statistics};

  ProgramBuilder& builder_;
  Block& block_;
  WeightGroup& group_;
  const BlockShapes& s_;
  MixerSizes m_;
};

}  // namespace

Mixed emit_linear_mixer(ProgramBuilder& builder, Block& block, WeightGroup& group, TensorId x) {
  return LinearMixer(builder, block, group).run(x);
}

}  // namespace foreshard
