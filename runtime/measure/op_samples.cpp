#include "runtime/measure/op_samples.hpp"

namespace foreshard {
namespace {

constexpr double kSecondsPerPicosecond = 1e-12;

}  // namespace

OpSamples::OpSamples(const StepProgram& program) {
  for (const Block& block : program.blocks) samples_.emplace_back(block.ops.size());
}

void OpSamples::add(const Span& span) {
  const auto picoseconds = static_cast<double>(span.end - span.start);
  samples_[span.block.at()][span.op.at()].emplace_back(picoseconds * kSecondsPerPicosecond);
}

}  // namespace foreshard
