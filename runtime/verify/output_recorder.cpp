#include "runtime/verify/output_recorder.hpp"

#include <utility>
#include <variant>

namespace foreshard {

void OutputRecorder::after(std::size_t position) {
  const OpRun& at = plan_.ops()[position].at;
  const Op& op = plan_.op(at);
  if (std::holds_alternative<Route>(op.kind) && op.phase == Phase::forward) return keep_routes(at);
  const auto* part = std::get_if<CrossEntropy>(&op.kind);
  if (part == nullptr || part->part != CrossEntropyPart::row_max || op.phase != Phase::forward) return;
  const Buffer logits = plan_.buffer(at, 0);
  columns_ = part->vocab;
  const Run& run = plan_.runs()[at.run];
  std::vector<double>& kept = logits_[{run.block_call.layer, run.micro_batch.value()}];
  // Logits that are computed in parts come one after the other.
  const auto elements = static_cast<std::size_t>(logits.elements);
  if (kept.size() == elements * static_cast<std::size_t>(op.parts)) kept.clear();
  kept.resize(kept.size() + elements);
  device_.read(logits, kept.data() + kept.size() - elements);
}

void OutputRecorder::keep_routes(const OpRun& at) {
  const Buffer routes = plan_.buffer(at, plan_.op(at).operands.size() - 1);
  std::vector<double> values(static_cast<std::size_t>(routes.elements));
  device_.read(routes, values.data());
  const Run& run = plan_.runs()[at.run];
  routes_.keep(run.block_call.layer, run.micro_batch.value(), std::move(values));
}

}  // namespace foreshard
