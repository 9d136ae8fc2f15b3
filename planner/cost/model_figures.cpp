#include "planner/cost/model_figures.hpp"

#include <stdexcept>
#include <string>

#include "planner/cost/cost_model.hpp"

namespace foreshard {

namespace {

std::int64_t without_padding(const Tensor& weight) { return weight.global_elements() - weight.padding; }

/// The weight of which this operation multiplies or derives, if any.
const Tensor* weight_of(const Op& op, const StepProgram& program) {
  for (const Operand& operand : op.operands) {
    const Tensor& tensor = program.tensor(operand.tensor);
    if (tensor.role == TensorRole::weight || tensor.role == TensorRole::gradient) return &tensor;
  }
  return nullptr;
}

/// Model FLOPs of one operation over all tensor-parallel ranks. A product with a weight is 2 FLOPs per token
/// and element of the weight, padding left out; the attention core's heads are cut evenly.
Flops model_flops(const Op& op, const StepProgram& program, std::int64_t tokens) {
  if (op.phase == Phase::recompute) return {};
  const OpFlops local = op_flops(op);
  if (std::holds_alternative<Gemm>(op.kind) && op.component != Component::attention_core) {
    // Gathered weights (ZeRO-3) are buffers named after the weight; they keep its shape and padding.
    const Tensor* weight = weight_of(op, program);
    if (weight != nullptr) return Flops(checked_product(2, tokens, without_padding(*weight)));
  }
  return local.model * program.group(GroupKind::tp).size;
}

const Block& block_named(const StepProgram& program, const std::string& name) {
  for (const Block& block : program.blocks) {
    if (block.name == name) return block;
  }
  throw std::logic_error("the program has no block '" + name + "'");
}

bool is_attention(Component component) {
  return component == Component::attention || component == Component::attention_core;
}

}  // namespace

ParameterCounts count_parameters(const JobSpec& job, const StepProgram& program) {
  ParameterCounts counts;
  for (const Tensor& tensor : program.tensors) {
    if (tensor.role != TensorRole::weight || tensor.lifetime != Lifetime::step) continue;
    const Parameters count(checked_product(without_padding(tensor), tensor.per_layer ? job.model.layers : 1));
    counts.total += count;
    const std::string& name = tensor.name;
    if (name.find("norm.") != std::string::npos) {
      counts.norm += count;
    } else if (name.starts_with("layer.qkv.") || name.starts_with("layer.out.")) {
      counts.attention += count;
    } else if (name.starts_with("layer.")) {
      counts.ffn += count;
    } else {
      counts.embedding += count;
    }
  }
  counts.active = counts.total;
  return counts;
}

ModelFlops count_model_flops(const JobSpec& job, const StepProgram& program) {
  const std::int64_t tokens = checked_product(job.training.micro_batch, job.training.sequence_length);
  ModelFlops sum;
  for (const Block& block : program.blocks) {
    const std::int64_t layers = block.kind == BlockKind::dense_layer ? job.model.layers : 1;
    for (const Op& op : block.ops) {
      const Flops flops = model_flops(op, program, tokens) * layers;
      (is_backward(op.phase) ? sum.backward : sum.forward) += flops;
      if (op.component == Component::attention_core) sum.attention_core += flops;
    }
  }
  return sum;
}

LayerSplit split_layer(const JobSpec& job, const StepProgram& program) {
  const std::int64_t tokens = checked_product(job.training.micro_batch, job.training.sequence_length);
  LayerSplit split;
  for (const char* name : {"dense_layer forward", "dense_layer backward"}) {
    for (const Op& op : block_named(program, name).ops) {
      if (op.phase == Phase::recompute) continue;
      if (!is_attention(op.component) && op.component != Component::ffn) continue;
      LayerFigures& figures = is_attention(op.component) ? split.attention : split.ffn;
      (is_backward(op.phase) ? figures.flops_backward : figures.flops_forward) +=
          model_flops(op, program, tokens);
      const auto* collective = std::get_if<Collective>(&op.kind);
      if (collective != nullptr && collective->group == GroupKind::tp) {
        figures.tp_bytes +=
            ring_bytes_sent(collective->kind, collective->payload, program.group(GroupKind::tp).size);
      }
    }
  }
  const ParameterCounts parameters = count_parameters(job, program);
  split.attention.parameters = Parameters(parameters.attention.value() / job.model.layers);
  split.ffn.parameters = Parameters(parameters.ffn.value() / job.model.layers);
  return split;
}

}  // namespace foreshard
