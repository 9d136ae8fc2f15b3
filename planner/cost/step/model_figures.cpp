#include "planner/cost/step/model_figures.hpp"

#include <set>
#include <stdexcept>

#include "planner/cost/ops/cost_model.hpp"

namespace foreshard {

namespace {

std::int64_t without_padding(const Tensor& weight) { return weight.global_elements() - weight.padding; }

/// Layers of the model that run this block; blocks that stand once count as one.
std::int64_t layers_of(BlockKind kind, const ModelSpec& model) {
  const std::int64_t dense = model.experts ? model.experts->dense_layers : model.layers;
  if (kind == BlockKind::dense_layer) return dense;
  return kind == BlockKind::moe_layer ? model.layers - dense : 1;
}

bool is_layer(BlockKind kind) { return kind == BlockKind::dense_layer || kind == BlockKind::moe_layer; }

bool is_weight(const Tensor& tensor) {
  return tensor.role == TensorRole::weight && tensor.lifetime == Lifetime::step;
}

/// The share of a mixture's experts that one token passes through.
std::int64_t active_elements(const Tensor& weight, const ModelSpec& model) {
  const std::int64_t elements = without_padding(weight);
  if (!model.experts || weight.meaning.part != ModelPart::experts) return elements;
  return elements / model.experts->count * model.experts->per_token;
}

Parameters& component_of(ParameterCounts& counts, ModelPart part) {
  switch (part) {
    case ModelPart::norm: return counts.norm;
    case ModelPart::router: return counts.router;
    case ModelPart::attention:
    case ModelPart::mla: return counts.attention;
    case ModelPart::ffn:
    case ModelPart::experts:
    case ModelPart::shared_experts: return counts.ffn;
    case ModelPart::embedding:
    case ModelPart::head: return counts.embedding;
    case ModelPart::none:
    case ModelPart::input:
    case ModelPart::stream:
    case ModelPart::residual:
    case ModelPart::loss:
    case ModelPart::pipeline:
    case ModelPart::optimizer: break;
  }
  throw std::logic_error("a weight belongs to no part of the model that has weights");
}

/// The weights that one forward block reads, each once.
std::set<TensorId> weights_of(const Block& block, const StepProgram& program) {
  std::set<TensorId> weights;
  for (const Op& op : block.ops) {
    for (const Operand& operand : op.operands) {
      if (is_weight(program.tensor(operand.tensor))) weights.insert(operand.tensor);
    }
  }
  return weights;
}

void add_weight(ParameterCounts& counts, const Tensor& weight, std::int64_t layers, const ModelSpec& model) {
  // Low-rank adapters are trained beside the model; they are not part of it.
  if (is_adapter(weight.meaning.aspect)) return;
  const Parameters count(checked_product(without_padding(weight), layers));
  counts.total += count;
  counts.active += Parameters(checked_product(active_elements(weight, model), layers));
  component_of(counts, weight.meaning.part) += count;
}

/// The weight that this product multiplies by or derives for, if any.
const Tensor* weight_of(const Op& op, const StepProgram& program) {
  for (const Operand& operand : op.operands) {
    const Tensor& tensor = program.tensor(operand.tensor);
    if (tensor.role == TensorRole::weight || tensor.role == TensorRole::gradient) return &tensor;
  }
  return nullptr;
}

/// Model FLOPs of one operation over the ranks that share a micro-batch. A product with a weight is 2 FLOPs
/// per token and element that the token passes through, padding and imbalance left out; the attention core is
/// cut evenly.
Flops model_flops(const Op& op, const StepProgram& program, const JobSpec& job) {
  if (op.phase == Phase::recompute) return {};
  if (is_product(op) && op.component != Component::attention_core) {
    if (const Tensor* weight = weight_of(op, program)) {
      return Flops(checked_product(2, job.training.micro_batch, job.training.sequence_length,
                                   active_elements(*weight, job.model)));
    }
  }
  return op_flops(op).model * (program.group(GroupKind::tp).size * program.group(GroupKind::cp).size);
}

bool is_attention(Component component) {
  return component == Component::attention || component == Component::attention_core;
}

bool is_ffn(Component component) {
  return component == Component::ffn || component == Component::experts || component == Component::router;
}

}  // namespace

ParameterCounts count_parameters(const JobSpec& job, const StepProgram& program) {
  ParameterCounts counts;
  std::set<TensorId> counted;  // of those that stand once: a tied table is read by embedding and head
  for (const Block& block : program.blocks) {
    if (block.pass != Pass::forward) continue;
    for (const TensorId id : weights_of(block, program)) {
      const Tensor& weight = program.tensor(id);
      if (weight.per_layer || counted.insert(id).second) {
        add_weight(counts, weight, layers_of(block.kind, job.model), job.model);
      }
    }
  }
  return counts;
}

ModelFlops count_model_flops(const JobSpec& job, const StepProgram& program) {
  ModelFlops sum;
  for (const Block& block : program.blocks) {
    const std::int64_t layers = layers_of(block.kind, job.model);
    for (const Op& op : block.ops) {
      const Flops flops = model_flops(op, program, job) * layers;
      (is_backward(op.phase) ? sum.backward : sum.forward) += flops;
      if (op.component == Component::attention_core) sum.attention_core += flops;
    }
  }
  return sum;
}

LayerSplit split_layer(const JobSpec& job, const StepProgram& program) {
  LayerSplit split;
  const BlockKind kind = job.model.experts ? BlockKind::moe_layer : BlockKind::dense_layer;
  for (const Block& block : program.blocks) {
    if (block.kind != kind || !is_layer(block.kind)) continue;
    for (const Op& op : block.ops) {
      if (op.phase == Phase::recompute) continue;
      if (!is_attention(op.component) && !is_ffn(op.component)) continue;
      LayerFigures& figures = is_attention(op.component) ? split.attention : split.ffn;
      (is_backward(op.phase) ? figures.flops_backward : figures.flops_forward) +=
          model_flops(op, program, job);
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->group == GroupKind::tp) {
        figures.tp_bytes +=
            ring_bytes_sent(collective->kind, collective->payload, program.group(GroupKind::tp).size);
      }
    }
    if (block.pass != Pass::forward) continue;
    ParameterCounts layer;
    for (const TensorId id : weights_of(block, program)) add_weight(layer, program.tensor(id), 1, job.model);
    split.attention.parameters = layer.attention;
    split.ffn.parameters = layer.ffn + layer.router;
  }
  return split;
}

}  // namespace foreshard
