#include "planner/cost/step/model_figures.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "planner/cost/ops/cost_model.hpp"

namespace foreshard {

namespace {

std::int64_t without_padding(const Tensor& weight) { return weight.global_elements() - weight.padding; }

/// By BlockId: the number of layers of the model that run this block in the passes of one micro-batch. A
/// block that is not a layer's counts 1 per call in these passes. Blocks outside the passes count 0.
std::vector<std::int64_t> layers_by_block(const StepProgram& program) {
  std::vector<std::int64_t> layers(program.blocks.size(), 0);
  for (const StageProgram& stage : program.stages) {
    for (const Chunk& chunk : stage.chunks) {
      for (const std::vector<BlockCall>* block_calls : {&chunk.forward, &chunk.backward, &chunk.weight}) {
        for (const BlockCall& block_call : *block_calls) ++layers[block_call.block.at()];
      }
    }
  }
  return layers;
}

/// By BlockId: how often one micro-batch runs this block for multi-token prediction, whose layers are numbered from
/// the model's last layer on.
std::vector<std::int64_t> mtp_calls_by_block(const JobSpec& job, const StepProgram& program) {
  std::vector<std::int64_t> calls(program.blocks.size(), 0);
  if (!job.model.mtp) return calls;
  for (const StageProgram& stage : program.stages) {
    for (const Chunk& chunk : stage.chunks) {
      for (const BlockCall& block_call : chunk.forward) {
        const BlockKind kind = program.block(block_call.block).kind;
        const bool is_beyond = block_call.layer.value() >= job.model.layers;
        if (is_beyond && kind != BlockKind::head && kind != BlockKind::pipeline)
          ++calls[block_call.block.at()];
      }
    }
  }
  return calls;
}

bool is_weight(const Tensor& tensor) {
  return tensor.role == TensorRole::weight && tensor.lifetime == Lifetime::step &&
         tensor.derivation == Derivation::none;
}

/// Elements of a weight that one token uses. Of a mixture's experts, these are the experts that it is routed
/// to.
std::int64_t active_elements(const Tensor& weight, const ModelSpec& model) {
  const std::int64_t elements = without_padding(weight);
  if (!model.experts || weight.meaning.part != ModelPart::experts) return elements;
  return elements / model.experts->count * model.experts->per_token;
}

/// Rows of one token that are multiplied by this weight: a module of multi-token prediction projects every stream.
std::int64_t rows_per_token(const Tensor& weight, const ModelSpec& model) {
  return weight.meaning.item == TensorItem::mtp_hidden_projection ? model.streams() : 1;
}

/// True for tables of which a token uses one row and multiplies by none: positions, and an embedding that is not
/// the output head too.
bool is_only_looked_up(const Tensor& weight, const ModelSpec& model) {
  if (weight.meaning.part != ModelPart::embedding) return false;
  return weight.meaning.item == TensorItem::position_table || !model.tied_embeddings;
}

Parameters& component_of(ParameterCounts& counts, ModelPart part) {
  switch (part) {
    case ModelPart::norm: return counts.norm;
    case ModelPart::router: return counts.router;
    case ModelPart::attention:
    case ModelPart::mla:
    case ModelPart::indexer: return counts.attention;
    case ModelPart::mixer: return counts.mixer;
    case ModelPart::hyper: return counts.hyper;
    case ModelPart::ffn:
    case ModelPart::experts:
    case ModelPart::shared_experts:
    case ModelPart::mtp: return counts.ffn;
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

/// The weight of which this is a copy, gathered or quantised; else the tensor itself.
TensorId original_of(TensorId id, const StepProgram& program) {
  const auto is_copy = [&] {
    const Derivation how = program.tensor(id).derivation;
    return how == Derivation::gathered_shares || how == Derivation::quantised ||
           how == Derivation::quantised_across;
  };
  while (is_copy()) id = program.tensor(id).of.front();
  return id;
}

/// The weights that one forward block reads, themselves or copies of them, without duplicates.
std::set<TensorId> weights_of(const Block& block, const StepProgram& program) {
  std::set<TensorId> weights;
  for (const Op& op : block.ops) {
    for (const Operand& operand : op.operands) {
      const TensorId id = original_of(operand.tensor, program);
      if (is_weight(program.tensor(id))) weights.insert(id);
    }
  }
  return weights;
}

void add_weight(ParameterCounts& counts, const Tensor& weight, std::int64_t layers, const ModelSpec& model) {
  // Low-rank adapters are trained in addition to the model and do not count as its parameters.
  if (is_adapter(weight.meaning.aspect)) return;
  const Parameters count(checked_product(without_padding(weight), layers));
  counts.total += count;
  const Parameters active(checked_product(active_elements(weight, model), layers));
  counts.active += active;
  if (!is_only_looked_up(weight, model)) counts.active_computed += active;
  component_of(counts, weight.meaning.part) += count;
}

/// The weight that this matrix product multiplies by, or the weight gradient that it computes, if any.
const Tensor* weight_of(const Op& op, const StepProgram& program) {
  for (const Operand& operand : op.operands) {
    const Tensor& tensor = program.tensor(operand.tensor);
    if (tensor.role == TensorRole::weight || tensor.role == TensorRole::gradient) return &tensor;
  }
  return nullptr;
}

/// True for the product B·A of a DoRA adapter, from which the norms of rows are computed: two weights, no tokens.
bool multiplies_no_tokens(const Op& op, const StepProgram& program) {
  return is_product(op) && std::any_of(op.operands.begin(), op.operands.end(), [&](const Operand& operand) {
           return program.tensor(operand.tensor).meaning.aspect == TensorAspect::merged;
         });
}

/// Model FLOPs of one operation, summed over the ranks that share a micro-batch. A product with a weight has
/// 2 FLOPs per token and active weight element; padding and expert imbalance are left out. The attention core
/// is split evenly over the ranks, so one rank's FLOPs are multiplied by tp·cp.
Flops model_flops(const Op& op, const StepProgram& program, const JobSpec& job) {
  if (op.phase == Phase::recompute || multiplies_no_tokens(op, program)) return {};
  if (is_product(op) && op.component != Component::attention_core) {
    if (const Tensor* weight = weight_of(op, program)) {
      return Flops(checked_product(2, job.training.micro_batch, job.training.sequence_length,
                                   rows_per_token(*weight, job.model), active_elements(*weight, job.model)) /
                   op.parts);
    }
  }
  // Every tp rank computes all scores of an indexer.
  const bool is_replicated = std::holds_alternative<IndexScores>(op.kind);
  return op_flops(op).model *
         ((is_replicated ? 1 : program.group(GroupKind::tp).size) * program.group(GroupKind::cp).size);
}

bool is_mixer(Component component) {
  return component == Component::attention || component == Component::attention_core ||
         component == Component::mixer || component == Component::scan;
}

bool is_ffn(Component component) {
  return component == Component::ffn || component == Component::experts || component == Component::router;
}

}  // namespace

ParameterCounts count_parameters(const JobSpec& job, const StepProgram& program) {
  ParameterCounts counts;
  std::set<TensorId> counted;  // weights shared by blocks: embedding and head both read a tied table
  const std::vector<std::int64_t> layers = layers_by_block(program);
  const std::vector<std::int64_t> mtp = mtp_calls_by_block(job, program);
  ParameterCounts of_mtp;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    const Block& block = program.blocks[b];
    if (block.pass != Pass::forward) continue;
    for (const TensorId id : weights_of(block, program)) {
      const Tensor& weight = program.tensor(id);
      if (weight.per_layer || counted.insert(id).second) {
        add_weight(counts, weight, layers[b], job.model);
      }
      if (weight.per_layer && mtp[b] > 0) add_weight(of_mtp, weight, mtp[b], job.model);
    }
  }
  counts.mtp = of_mtp.total;
  counts.active -= of_mtp.active;
  counts.active_computed -= of_mtp.active_computed;
  return counts;
}

ModelFlops count_model_flops(const JobSpec& job, const StepProgram& program) {
  ModelFlops sum;
  const std::vector<std::int64_t> layers = layers_by_block(program);
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    for (const Op& op : program.blocks[b].ops) {
      const Flops flops = model_flops(op, program, job) * layers[b];
      (is_backward(op.phase) ? sum.backward : sum.forward) += flops;
      if (op.component == Component::attention_core) sum.attention_core += flops;
    }
  }
  return sum;
}

namespace {

/// By BlockId: the kind of layer that a block belongs to, given as the forward block of the same layers.
std::vector<std::optional<BlockId>> forward_of_blocks(const StepProgram& program) {
  std::map<LayerId, BlockId> forward;
  std::vector<std::optional<BlockId>> by_block(program.blocks.size());
  for (const StageProgram& stage : program.stages) {
    for (const Chunk& chunk : stage.chunks) {
      for (const BlockCall& block_call : chunk.forward) {
        if (is_layer(program.block(block_call.block).kind)) forward[block_call.layer] = block_call.block;
      }
      for (const std::vector<BlockCall>* block_calls : {&chunk.forward, &chunk.backward, &chunk.weight}) {
        for (const BlockCall& block_call : *block_calls) {
          if (is_layer(program.block(block_call.block).kind))
            by_block[block_call.block.at()] = forward.at(block_call.layer);
        }
      }
    }
  }
  return by_block;
}

/// What mixes the tokens in a layer, in words.
std::string mixer_words(const Block& forward) {
  for (const Op& op : forward.ops) {
    if (std::holds_alternative<IndexScores>(op.kind)) return "sparse attention";
    const auto* core = std::get_if<Attention>(&op.kind);
    if (core != nullptr && core->selected > 0) return "sparse attention";
    const auto* scan = std::get_if<LinearScan>(&op.kind);
    if (scan == nullptr) continue;
    switch (scan->form) {
      case ScanForm::ssd: return "Mamba-2";
      case ScanForm::gated_delta: return "gated delta net";
      case ScanForm::kimi_delta: return "Kimi delta attention";
    }
  }
  return "attention";
}

/// Adds one block's operations to the figures of its kind of layer.
void add_block(LayerSplit& split, const Block& block, const StepProgram& program, const JobSpec& job) {
  for (const Op& op : block.ops) {
    if (op.phase == Phase::recompute) continue;
    if (!is_mixer(op.component) && !is_ffn(op.component)) continue;
    LayerFigures& figures = is_mixer(op.component) ? split.attention : split.ffn;
    (is_backward(op.phase) ? figures.flops_backward : figures.flops_forward) += model_flops(op, program, job);
    const auto* collective = std::get_if<Collective>(&op.kind);
    if (collective != nullptr && collective->group == GroupKind::tp) {
      figures.tp_bytes +=
          ring_bytes_sent(collective->kind, collective->payload, program.group(GroupKind::tp).size);
    }
  }
  if (block.pass != Pass::forward) return;
  ParameterCounts layer;
  for (const TensorId id : weights_of(block, program)) add_weight(layer, program.tensor(id), 1, job.model);
  split.attention.parameters = layer.attention + layer.mixer;
  split.ffn.parameters = layer.ffn + layer.router;
}

}  // namespace

std::vector<LayerSplit> split_layers(const JobSpec& job, const StepProgram& program) {
  const std::vector<std::optional<BlockId>> forward = forward_of_blocks(program);
  const std::vector<std::int64_t> layers = layers_by_block(program);
  const std::vector<std::int64_t> mtp = mtp_calls_by_block(job, program);
  std::vector<LayerSplit> kinds;
  for (std::size_t b = 0; b < program.blocks.size(); ++b) {
    if (forward[b] != BlockId(b)) continue;
    const Block& block = program.blocks[b];
    LayerSplit kind{.kind = block.name.substr(0, block.name.rfind(" forward")),
                    .layers = layers[b] - mtp[b],
                    .has_experts = block.kind == BlockKind::moe_layer};
    kind.mixer = mixer_words(block);
    for (std::size_t other = 0; other < program.blocks.size(); ++other) {
      if (forward[other] == BlockId(b)) add_block(kind, program.blocks[other], program, job);
    }
    kinds.push_back(std::move(kind));
  }
  return kinds;
}

LayerSplit usual_layer(const std::vector<LayerSplit>& kinds) {
  const auto usual =
      std::max_element(kinds.begin(), kinds.end(), [](const LayerSplit& a, const LayerSplit& b) {
        return std::tuple(a.has_experts, a.layers) < std::tuple(b.has_experts, b.layers);
      });
  return usual == kinds.end() ? LayerSplit{} : *usual;
}

}  // namespace foreshard
