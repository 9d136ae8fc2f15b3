#pragma once

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "planner/program/json/program_json.hpp"
#include "planner/program/step_program.hpp"

namespace foreshard::testing {

/// The step program written by hand: two layers, tp 2, pp 2, two micro-batches (docs/step_program.md).
inline std::string golden_text() {
  std::ifstream file(FORESHARD_SOURCE_DIR "/tests/golden/two_layers_tp2_pp2.json");
  if (!file) throw std::runtime_error("tests/golden/two_layers_tp2_pp2.json is missing");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
inline StepProgram golden() { return program_from_json(golden_text()); }

// ---- The parts of a program by name, to look at or to break.

inline TensorId tensor_id(const StepProgram& program, std::string_view name) {
  for (std::size_t i = 0; i < program.tensors.size(); ++i) {
    if (program.tensors[i].label == name) return TensorId(i);
  }
  throw std::runtime_error("no tensor " + std::string(name));
}
inline Tensor& tensor_named(StepProgram& program, std::string_view name) {
  return program.tensors[tensor_id(program, name).at()];
}
inline BlockId block_id(const StepProgram& program, std::string_view name) {
  for (std::size_t i = 0; i < program.blocks.size(); ++i) {
    if (program.blocks[i].name == name) return BlockId(i);
  }
  throw std::runtime_error("no block " + std::string(name));
}
inline Block& block_named(StepProgram& program, std::string_view name) {
  return program.blocks[block_id(program, name).at()];
}
/// The first operation of this name and phase.
inline Op& op_named(StepProgram& program, std::string_view block, std::string_view name,
                    Phase phase = Phase::forward) {
  for (Op& op : block_named(program, block).ops) {
    if (op.name == name && op.phase == phase) return op;
  }
  throw std::runtime_error("no operation " + std::string(name));
}

}  // namespace foreshard::testing
