#include "planner/program/check/check_program.hpp"

#include <set>

#include <fmt/format.h>

#include "planner/program/block_names.hpp"
#include "planner/program/check/check_parts.hpp"

namespace foreshard {
namespace {

const std::string& name_for_people(const Tensor& tensor) { return tensor.label; }
const std::string& name_for_people(const Block& block) { return block.name; }

template <class Items>
void check_names(const Items& items, const char* what, Problems& problems) {
  std::set<std::string> names;
  for (const auto& item : items) {
    const std::string& name = name_for_people(item);
    if (name.empty()) problems.push_back(fmt::format("a {} has no name", what));
    if (!names.insert(name).second) problems.push_back(fmt::format("two {}s are called \"{}\"", what, name));
  }
}

void check_groups(const StepProgram& program, Problems& problems) {
  if (program.groups.size() != kGroupKindCount) {
    problems.push_back(fmt::format("there are {} groups, not one of each of the {} kinds",
                                   program.groups.size(), kGroupKindCount));
    return;
  }
  for (std::size_t i = 0; i < kGroupKindCount; ++i) {
    const Group& group = program.groups[i];
    const auto expected = static_cast<GroupKind>(i);
    if (group.kind != expected) {
      problems.push_back(fmt::format("group {} is {}, not {}", i, name_of(group.kind), name_of(expected)));
    }
    if (group.size < 1 || group.stride < 1) {
      problems.push_back(
          fmt::format("group {} has size {} and stride {}", name_of(group.kind), group.size, group.stride));
    }
  }
}

/// Checks that a derived tensor names existing tensors as its origin, and that a gradient has the shape of
/// the tensor that it is the gradient of.
void check_origin(const StepProgram& program, const Tensor& tensor, Problems& problems) {
  if ((tensor.derivation == Derivation::none) != tensor.of.empty()) {
    problems.push_back(fmt::format("tensor {}: its derivation is {}, from {} tensors", tensor.label,
                                   name_of(tensor.derivation), tensor.of.size()));
  }
  for (const TensorId of : tensor.of) {
    if (of.value() < 0 || of.at() >= program.tensors.size()) {
      problems.push_back(fmt::format("tensor {}: it is derived from tensor {}, which is not one of {}",
                                     tensor.label, of.value(), program.tensors.size()));
    } else if (tensor.derivation == Derivation::gradient &&
               tensor.global_elements() != program.tensor(of).global_elements()) {
      problems.push_back(fmt::format("tensor {}: a gradient of {} elements of {}, which has {}", tensor.label,
                                     tensor.global_elements(), program.tensor(of).label,
                                     program.tensor(of).global_elements()));
    }
  }
}

void check_tensors(const StepProgram& program, Problems& problems) {
  for (const Tensor& tensor : program.tensors) {
    for (const Dim& dim : tensor.dims) {
      if (dim.size < 1 || dim.tp < 1 || dim.cp < 1 || dim.ep < 1 || dim.dp < 1) {
        problems.push_back(
            fmt::format("tensor {}: dimension {} has size {}, cut into tp {}, cp {}, ep {}, dp {}",
                        tensor.label, name_of(dim.name), dim.size, dim.tp, dim.cp, dim.ep, dim.dp));
      }
    }
    std::int64_t sections = 0;
    for (const std::int64_t section : tensor.sections) sections += section;
    // For experts' weights and biases the sections cut the rows of each expert: the second dimension.
    const bool is_experts_bias = tensor.is_of_routed_experts() && tensor.meaning.aspect == TensorAspect::bias;
    const std::size_t cut = tensor.dims.size() > 2 || is_experts_bias ? 1 : 0;
    const std::int64_t whole = tensor.dims.empty() ? 0 : tensor.dims[cut].size;
    if (!tensor.sections.empty() && sections != whole) {
      problems.push_back(fmt::format("tensor {}: its sections sum to {}, not to the leading dimension of {}",
                                     tensor.label, sections, whole));
    }
    check_origin(program, tensor, problems);
  }
}

void check_operand_ids(const StepProgram& program, Problems& problems) {
  for (const Block& block : program.blocks) {
    for (const Op& op : block.ops) {
      for (const Operand& operand : op.operands) {
        if (operand.tensor.value() < 0 || operand.tensor.at() >= program.tensors.size()) {
          problems.push_back(fmt::format("{}: tensor {} is not one of {}", place_of(block, op),
                                         operand.tensor.value(), program.tensors.size()));
        }
      }
    }
  }
}

void check_block_calls(const StepProgram& program, std::size_t stage,
                       const std::vector<BlockCall>& block_calls, const char* where, Problems& problems) {
  for (const BlockCall& block_call : block_calls) {
    if (block_call.block.value() < 0 || block_call.block.at() >= program.blocks.size()) {
      problems.push_back(fmt::format("stage {}, {}: block {} is not one of {}", stage, where,
                                     block_call.block.value(), program.blocks.size()));
    }
    if (block_call.layer.value() < 0) {
      problems.push_back(fmt::format("stage {}, {}: layer {}", stage, where, block_call.layer.value()));
    }
  }
}

void check_stage(const StepProgram& program, std::size_t number, Problems& problems) {
  const StageProgram& stage = program.stages[number];
  check_block_calls(program, number, stage.prologue, "prologue", problems);
  check_block_calls(program, number, stage.epilogue, "epilogue", problems);
  for (const Chunk& chunk : stage.chunks) {
    check_block_calls(program, number, chunk.forward, "forward", problems);
    check_block_calls(program, number, chunk.first_forward, "first forward", problems);
    check_block_calls(program, number, chunk.backward, "backward", problems);
    check_block_calls(program, number, chunk.last_backward, "last backward", problems);
    check_block_calls(program, number, chunk.weight, "weight", problems);
    check_block_calls(program, number, chunk.last_weight, "last weight", problems);
  }
  for (const Slot& slot : stage.order) {
    const bool known = slot.pass != Pass::once && slot.chunk.value() >= 0 &&
                       slot.chunk.at() < stage.chunks.size() && slot.micro_batch.value() >= 0 &&
                       slot.micro_batch.value() < program.micro_batches;
    if (!known) {
      problems.push_back(
          fmt::format("stage {}: its order has pass {} of chunk {}, micro-batch {}; there are {} chunks and "
                      "{} micro-batches",
                      number, name_of(slot.pass), slot.chunk.value(), slot.micro_batch.value(),
                      stage.chunks.size(), program.micro_batches));
    }
  }
}

}  // namespace

std::string place_of(const Block& block, const Op& op) {
  return fmt::format("block \"{}\", operation \"{}\" ({})", block.name, op.name, name_of(op.phase));
}

void check_structure(const StepProgram& program, Problems& problems) {
  if (program.micro_batches < 1) {
    problems.push_back(fmt::format("there are {} micro-batches", program.micro_batches));
  }
  if (program.stages.empty()) problems.emplace_back("there are no stages");
  check_names(program.tensors, "tensor", problems);
  check_names(program.blocks, "block", problems);
  check_groups(program, problems);
  check_tensors(program, problems);
  check_operand_ids(program, problems);
  for (std::size_t stage = 0; stage < program.stages.size(); ++stage) check_stage(program, stage, problems);
}

std::vector<std::string> check_program(const StepProgram& program) {
  Problems problems;
  check_structure(program, problems);
  // The other parts use ids as indices, so they run only if all ids are in range.
  if (!problems.empty()) return problems;
  check_operations(program, problems);
  check_schedule(program, problems);
  check_communication(program, problems);
  check_data_flow(program, problems);
  return problems;
}

}  // namespace foreshard
