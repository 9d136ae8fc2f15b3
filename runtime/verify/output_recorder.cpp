#include "runtime/verify/output_recorder.hpp"

#include <variant>

namespace foreshard {

void OutputRecorder::after(std::size_t position) {
  const OpRun& at = plan_.ops()[position].at;
  const Op& op = plan_.op(at);
  const auto* part = std::get_if<CrossEntropy>(&op.kind);
  if (part == nullptr || part->part != CrossEntropyPart::row_max || op.phase != Phase::forward) return;
  const Buffer logits = plan_.buffer(at, 0);
  columns_ = part->vocab;
  std::vector<double>& kept = logits_[plan_.runs()[at.run].micro_batch.value()];
  kept.resize(static_cast<std::size_t>(logits.elements));
  device_.read(logits, kept.data());
}

}  // namespace foreshard
