#include "planner/program/build/optimizer_states.hpp"

#include "planner/program/passes/zero.hpp"

namespace foreshard {

namespace {

/// How many moments an optimizer keeps.
int moments_of(OptimizerKind optimizer) {
  switch (optimizer) {
    case OptimizerKind::adamw:
    case OptimizerKind::adam:
    case OptimizerKind::adamw_8bit: return 2;
    case OptimizerKind::lion:
    case OptimizerKind::muon: return 1;
    case OptimizerKind::sgd:
    case OptimizerKind::adafactor: return 0;
  }
  return 0;
}

DType stored_type(MomentType moments) {
  switch (moments) {
    case MomentType::bf16: return DType::bf16;
    case MomentType::fp16: return DType::fp16;
    case MomentType::fp8: return DType::fp8;
    case MomentType::int8: return DType::uint8;
    case MomentType::fp32:
    case MomentType::factored: return DType::fp32;
  }
  return DType::fp32;
}

/// The states of some weights of a group. Each is one flat tensor; from ZeRO-1 on a rank has a share of it.
class States {
 public:
  States(ProgramBuilder& builder, const WeightGroup& group, const std::vector<TensorId>& weights,
         const std::string& name, const std::optional<StatePart>& part = std::nullopt)
      : builder_(builder),
        group_(group),
        weights_(weights),
        prefix_(group.prefix + (name.empty() ? "" : "." + name)),
        part_(part.value_or(StatePart{share_elements(builder, group, weights)})) {}

  /// @param elements of the rank's share
  Operand add(Derivation derivation, const std::string& suffix, DType type, std::int64_t elements) {
    const bool of_experts = group_.replicas == GroupKind::expert_dp;
    const std::int32_t tp = of_experts ? builder_.shapes().etp : builder_.shapes().tp;
    const std::int32_t degree = zero_degree(builder_.job(), group_);
    Tensor state;
    state.label = prefix_ + suffix;
    state.meaning = {ModelPart::optimizer, TensorItem::states};
    state.derivation = derivation;
    state.of = weights_;
    state.role = TensorRole::optimizer;
    state.dtype = type;
    state.on_host = part_.on_host;
    state.lifetime = Lifetime::step;
    state.per_layer = group_.per_layer;
    state.dims = {
        {.name = DimName::flat, .size = checked_product(elements, tp, degree), .tp = tp, .dp = degree}};
    return adds_to(builder_.add(std::move(state)));
  }

  void add_masters(std::vector<Operand>& operands) {
    if (!keeps_masters(builder_, group_)) return;
    const bool remainder = builder_.job().training.states.master == MasterWeights::fp32_remainder;
    operands.push_back(add(Derivation::master, ".master", remainder ? DType::bf16 : DType::fp32, share()));
  }

  /// A moment, and its scales if it is kept in 8 bits.
  void add_moment(std::vector<Operand>& operands, bool first) {
    const MomentType moments = builder_.job().training.states.moments;
    const std::string suffix = first ? ".adam_m" : ".adam_v";
    operands.push_back(add(first ? Derivation::first_moment : Derivation::second_moment, suffix,
                           stored_type(moments), share()));
    if (moments != MomentType::int8) return;
    operands.push_back(add(first ? Derivation::first_scale : Derivation::second_scale, suffix + ".scale",
                           DType::fp32, scales()));
  }

  /// Of each matrix the means of its rows and columns; of vectors every element (Shazeer and Stern 2018,
  /// arXiv:1804.04235).
  void add_factored(std::vector<Operand>& operands) {
    std::int64_t elements = 0;
    for (const TensorId id : weights_) {
      Tensor whole = builder_.tensor(id);
      zero_dim(whole).dp = 1;
      const std::size_t dims = whole.dims.size();
      if (dims < 2) {
        elements += whole.local_elements();
        continue;
      }
      const std::int64_t rows = whole.dims[dims - 2].local();
      const std::int64_t columns = whole.dims[dims - 1].local();
      elements += whole.local_elements() / (rows * columns) * (rows + columns);
    }
    const std::int64_t degree = zero_degree(builder_.job(), group_);
    operands.push_back(
        add(Derivation::factored_moment, ".factored", DType::fp32, ceil_divide(elements, degree)));
  }

 private:
  [[nodiscard]] std::int64_t share() const { return part_.elements; }
  /// Blocks do not reach over the end of a weight's share; those of a part of the shares are counted together.
  [[nodiscard]] std::int64_t scales() const {
    if (share() < share_elements(builder_, group_, weights_)) return ceil_divide(share(), kMomentBlock);
    std::int64_t blocks = 0;
    for (const TensorId id : weights_)
      blocks += ceil_divide(share_elements(builder_, group_, {id}), kMomentBlock);
    return blocks;
  }

  ProgramBuilder& builder_;
  const WeightGroup& group_;
  const std::vector<TensorId>& weights_;
  std::string prefix_;
  StatePart part_;
};

}  // namespace

std::vector<Operand> state_operands(ProgramBuilder& builder, const WeightGroup& group,
                                    const std::vector<TensorId>& weights, OptimizerKind optimizer,
                                    const std::string& name, const std::optional<StatePart>& part) {
  States states(builder, group, weights, name, part);
  std::vector<Operand> operands;
  states.add_masters(operands);
  const int moments = moments_of(optimizer);
  if (moments > 0) states.add_moment(operands, true);
  if (moments > 1) states.add_moment(operands, false);
  if (optimizer == OptimizerKind::adafactor) states.add_factored(operands);
  return operands;
}

bool rounds_at_random(const ProgramBuilder& builder) {
  return builder.job().training.states.master == MasterWeights::bf16_stochastic &&
         builder.shapes().weight == DType::bf16;
}

std::vector<Operand> master_operands(ProgramBuilder& builder, const WeightGroup& group,
                                     const std::vector<TensorId>& weights, const std::string& name,
                                     const std::optional<StatePart>& part) {
  std::vector<Operand> operands;
  States(builder, group, weights, name, part).add_masters(operands);
  return operands;
}

Operand momentum_operand(ProgramBuilder& builder, const WeightGroup& group,
                         const std::vector<TensorId>& weights, const std::string& name) {
  std::vector<Operand> operands;
  States(builder, group, weights, name).add_moment(operands, true);
  return operands.front();
}

}  // namespace foreshard
