#include "planner/program/program_builder.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "planner/program/ops/enum_names.hpp"
#include "planner/program/tensor_label.hpp"

namespace foreshard {

BlockShapes block_shapes(const JobSpec& job) {
  const ModelSpec& model = job.model;
  const std::int64_t tp = job.parallelism.tp;
  const DType type = storage_type(job.training.precision);
  return {
      .batch = job.training.micro_batch,
      .sequence = job.training.sequence_length,
      .tokens = checked_product(job.training.micro_batch, job.training.sequence_length),
      .hidden = model.hidden,
      .ffn = model.ffn_hidden,
      .heads = model.heads,
      .kv_heads = std::max(model.kv_heads, tp),
      .head_dim = model.head_dim,
      .v_head_dim = model.attention_options.v_head_dim.value_or(model.head_dim),
      .vocab = round_up(model.vocab, checked_product(model.vocab_multiple, tp)),
      .tp = static_cast<std::int32_t>(tp),
      .cp = static_cast<std::int32_t>(job.parallelism.cp),
      .ep = static_cast<std::int32_t>(job.parallelism.ep),
      .etp = static_cast<std::int32_t>(job.parallelism.expert_tp()),
      .activation = type,
      .weight = type,
      .layer_math = product_type(job.training.precision, job.training.fp8_scaling),
      .wide_math = wide_product_type(job.training.precision),
  };
}

ProgramBuilder::ProgramBuilder(const JobSpec& job)
    : job_(job), shapes_(block_shapes(job)), conventions_(job.conventions()) {
  program_.name = job.name;
  program_.micro_batches = job.micro_batches();
  program_.sequences = shapes_.batch;
  program_.sequence_length = shapes_.sequence;
  constexpr std::size_t kUsualTensors = 128;
  program_.tensors.reserve(kUsualTensors);
  as_added_.reserve(kUsualTensors);
  tensor_by_label_.reserve(kUsualTensors);
}

namespace {

/// True if both describe the same tensor. Cuts and lifetimes are not compared, because passes change them.
bool are_alike(const Tensor& a, const Tensor& b) {
  const auto same_size = [](const Dim& x, const Dim& y) { return x.name == y.name && x.size == y.size; };
  return a.meaning == b.meaning && a.derivation == b.derivation && a.of == b.of && a.role == b.role &&
         a.dtype == b.dtype && a.sections == b.sections && a.per_layer == b.per_layer &&
         a.padding == b.padding && a.column_sections == b.column_sections &&
         std::equal(a.dims.begin(), a.dims.end(), b.dims.begin(), b.dims.end(), same_size);
}

}  // namespace

void ProgramBuilder::begin_layer_kind(LayerKindId id, const LayerKind& kind, std::string scope,
                                      std::string variant) {
  end_layer_kind();
  layer_kind_ = id;
  kind_ = kind;
  scope_ = std::move(scope);
  variant_ = std::move(variant);
  if (const auto* attention = std::get_if<SoftmaxAttention>(&kind.mixer)) {
    shapes_.heads = attention->heads;
    shapes_.kv_heads = std::max(attention->kv_heads, job_.parallelism.tp);
    shapes_.head_dim = attention->head_dim;
    shapes_.v_head_dim = attention->v_head_dim();
  } else if (const auto* latent = std::get_if<LatentAttention>(&kind.mixer)) {
    shapes_.heads = latent->heads;
  } else if (const auto* compressed = std::get_if<CompressedAttention>(&kind.mixer)) {
    shapes_.heads = compressed->heads;
    shapes_.kv_heads = 1;
    shapes_.head_dim = compressed->head_dim;
    shapes_.v_head_dim = compressed->head_dim;
  }
  shapes_.ffn = kind.ffn_hidden.value_or(job_.model.ffn_hidden);
}

void ProgramBuilder::end_layer_kind() {
  shapes_ = block_shapes(job_);
  layer_kind_ = std::nullopt;
  kind_ = std::nullopt;
  scope_.clear();
  variant_.clear();
}

std::string ProgramBuilder::scope_of(const Meaning& meaning, bool is_weight) const {
  if (!is_of_layer(meaning)) return {};
  if (is_weight || variant_.empty()) return scope_;
  return scope_.empty() ? variant_ : scope_ + "@" + variant_;
}

TensorId ProgramBuilder::add(Tensor tensor) {
  // The label of a derived tensor starts with that of its origin, which has the scope already.
  const std::string scope = tensor.derivation == Derivation::none
                                ? scope_of(tensor.meaning, tensor.role == TensorRole::weight)
                                : std::string();
  if (!scope.empty()) tensor.label += "@" + scope;
  const TensorId next(program_.tensors.size());
  const auto [entry, is_new] = tensor_by_label_.try_emplace(tensor.label, next);
  const TensorId id = entry->second;
  if (!is_new) {
    if (!are_alike(as_added_[id.at()], tensor)) {
      throw std::logic_error("two tensors of different meaning, shape or type are called " + tensor.label);
    }
    if (program_.tensors[id.at()].layer_kind != layer_kind_) program_.tensors[id.at()].layer_kind.reset();
    return id;
  }
  tensor.layer_kind = layer_kind_;
  if (tensor.derivation == Derivation::none) tensor_by_meaning_.emplace(std::pair{scope, tensor.meaning}, id);
  if (tensor.of.size() == 1) derived_tensor_.emplace(std::pair{tensor.derivation, tensor.of.front()}, id);
  as_added_.push_back(tensor);
  program_.tensors.push_back(std::move(tensor));
  return id;
}

TensorId ProgramBuilder::find(const Meaning& meaning) const {
  auto entry = tensor_by_meaning_.find({scope_of(meaning, false), meaning});
  if (entry == tensor_by_meaning_.end()) entry = tensor_by_meaning_.find({scope_of(meaning, true), meaning});
  if (entry == tensor_by_meaning_.end()) throw std::logic_error("there is no tensor " + label_of(meaning));
  return entry->second;
}

std::optional<TensorId> ProgramBuilder::known(Derivation derivation, TensorId of) const {
  const auto entry = derived_tensor_.find({derivation, of});
  if (entry == derived_tensor_.end()) return std::nullopt;
  return entry->second;
}

TensorId ProgramBuilder::find(Derivation derivation, TensorId of) const {
  const std::optional<TensorId> found = known(derivation, of);
  if (!found) throw std::logic_error("there is no tensor " + derived_label(tensor(of), derivation));
  return *found;
}

Tensor ProgramBuilder::derived(TensorId of, Derivation derivation) const {
  Tensor result = tensor(of);
  result.label = derived_label(result, derivation);
  result.derivation = derivation;
  result.of = {of};
  return result;
}

TensorId ProgramBuilder::activation(const Meaning& meaning, DimName columns, std::int64_t size,
                                    bool column_cut, std::optional<DType> type) {
  Tensor tensor = tensor_of(meaning);
  tensor.dtype = type.value_or(shapes_.activation);
  tensor.dims = {{.name = DimName::tokens, .size = shapes_.tokens, .cp = shapes_.cp},
                 cut_dim(columns, size, shapes_.tp, column_cut)};
  return add(std::move(tensor));
}

TensorId ProgramBuilder::statistic(const Meaning& meaning, std::int64_t width) {
  Tensor tensor = tensor_of(meaning);
  tensor.dtype = DType::fp32;
  tensor.dims = {{.name = DimName::tokens, .size = shapes_.tokens, .cp = shapes_.cp}};
  if (width > 1) tensor.dims.push_back({.name = DimName::flat, .size = width});
  return add(std::move(tensor));
}

namespace {

/// True for the matrices of layers: those that a quantised base keeps in fewer bits.
bool is_quantised(const Tensor& weight) {
  if (weight.dims.size() < 2 || weight.meaning.aspect != TensorAspect::weight) return false;
  switch (weight.meaning.part) {
    case ModelPart::attention:
    case ModelPart::mla:
    case ModelPart::ffn:
    case ModelPart::experts:
    case ModelPart::shared_experts: return true;
    default: return false;
  }
}

DType base_type(LoraBase base, DType usual) {
  switch (base) {
    case LoraBase::bf16: return usual;
    case LoraBase::nf4: return DType::nf4;
    case LoraBase::int8: return DType::uint8;
    case LoraBase::fp8: return DType::fp8;
  }
  return usual;
}

}  // namespace

TensorId ProgramBuilder::weight(WeightGroup& group, const Meaning& meaning, std::vector<Dim> dims,
                                std::vector<std::int64_t> sections, std::int64_t padding) {
  Tensor weight = tensor_of(meaning);
  weight.role = TensorRole::weight;
  weight.dtype = shapes_.weight;
  weight.lifetime = Lifetime::step;
  weight.dims = std::move(dims);
  weight.sections = std::move(sections);
  weight.per_layer = group.per_layer;
  weight.padding = padding;
  if (job_.lora && !is_adapter(meaning.aspect)) {
    if (is_quantised(weight)) weight.dtype = base_type(job_.lora->base, shapes_.weight);
    return frozen_weight(group, std::move(weight));
  }

  const TensorId id = add(std::move(weight));
  Tensor gradient = as_added_[id.at()];
  gradient.label = derived_label(gradient, Derivation::gradient);
  gradient.derivation = Derivation::gradient;
  gradient.of = {id};
  gradient.role = TensorRole::gradient;
  gradient.dtype = job_.training.gradient_dtype;
  add(std::move(gradient));
  if (std::find(group.weights.begin(), group.weights.end(), id) == group.weights.end()) {
    group.weights.push_back(id);
  }
  return id;
}

TensorId ProgramBuilder::frozen_weight(WeightGroup& group, Tensor weight) {
  const TensorId id = add(std::move(weight));
  if (std::find(group.frozen.begin(), group.frozen.end(), id) == group.frozen.end())
    group.frozen.push_back(id);
  return id;
}

bool ProgramBuilder::is_frozen(TensorId weight) const {
  return !derived_tensor_.contains({Derivation::gradient, weight});
}

BlockId ProgramBuilder::add(Block block) {
  const BlockId next(program_.blocks.size());
  const auto [entry, is_new] = block_by_name_.try_emplace(block.name, next);
  if (is_new) program_.blocks.push_back(std::move(block));
  return entry->second;
}

std::optional<BlockId> ProgramBuilder::find_block(std::string_view name) const {
  const auto entry = block_by_name_.find(std::string(name));
  if (entry == block_by_name_.end()) return std::nullopt;
  return entry->second;
}

Tensor tensor_of(const Meaning& meaning) {
  Tensor tensor;
  tensor.label = label_of(meaning);
  tensor.meaning = meaning;
  return tensor;
}

Op compute_op(std::string name, Component component, Phase phase, OpKind kind,
              std::vector<Operand> operands) {
  Op op;
  op.kind = std::move(kind);
  op.operands = std::move(operands);
  op.name = std::move(name);
  op.component = component;
  op.phase = phase;
  return op;
}

namespace {

/// True for a frozen weight that is kept in fewer bits than products take.
bool is_scaled_base(const ProgramBuilder& builder, TensorId weight) {
  const Tensor& tensor = builder.tensor(weight);
  return builder.job().lora && builder.is_frozen(weight) && tensor.dtype != builder.shapes().weight &&
         is_quantised(tensor);
}

}  // namespace

TensorId dequantised(ProgramBuilder& builder, Block& block, const std::string& name, Component component,
                     TensorId weight) {
  if (!is_scaled_base(builder, weight)) return weight;
  Tensor wide = builder.derived(weight, Derivation::dequantised);
  wide.dtype = builder.shapes().weight;
  wide.lifetime = Lifetime::block;
  const TensorId id = builder.add(std::move(wide));
  block.ops.push_back(compute_op(name + " dequantise", component, Phase::forward,
                                 Pointwise{PointwiseKind::cast, builder.tensor(id).local_elements()},
                                 {reads(weight), writes(id)}));
  return id;
}

Op all_reduce_tp(const ProgramBuilder& builder, std::string name, Component component, Phase phase, Operand x,
                 Reduction reduction) {
  x.access = Access::accumulate;
  Op op = compute_op(std::move(name), component, phase,
                     Collective{.kind = CollectiveKind::all_reduce,
                                .group = GroupKind::tp,
                                .reduction = reduction,
                                .payload = builder.tensor(x.tensor).local_bytes()},
                     {x});
  op.lane = Lane::tp;
  return op;
}

Dim cut_dim(DimName name, std::int64_t size, std::int32_t tp, bool cut) {
  return {.name = name, .size = size, .tp = cut ? tp : 1};
}

}  // namespace foreshard
