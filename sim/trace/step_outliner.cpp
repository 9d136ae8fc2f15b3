#include "sim/trace/step_outliner.hpp"

#include <algorithm>
#include <tuple>

#include "sim/engine/sim_time.hpp"

namespace foreshard {
namespace {

Seconds seconds(Picoseconds time) { return SimTime(time).seconds(); }

}  // namespace

StepOutliner::StepOutliner(const StepProgram& program, Picoseconds resolution)
    : program_(program), resolution_(resolution) {
  outline_.resolution = seconds(resolution);
}

void StepOutliner::add(const Span& span) {
  if (shown_.try_emplace(span.stage, span.rank).first->second != span.rank) return;
  const Pass pass = program_.block(span.block).pass;
  const bool has_micro_batch = pass != Pass::once;
  const OpenSpan next{.outline = {.stage = span.stage,
                                  .lane = span.lane,
                                  .pass = pass,
                                  .chunk = has_micro_batch ? span.chunk : ChunkId(0),
                                  .micro_batch = has_micro_batch ? span.micro_batch : MicroBatch(0),
                                  .start = {},
                                  .end = {}},
                      .start = span.start,
                      .end = span.end};
  const auto [place, is_first] = open_.try_emplace({span.stage, span.lane}, next);
  if (is_first) return;
  OpenSpan& open = place->second;
  if (open.outline == next.outline && next.start - open.end <= resolution_) {
    open.start = std::min(open.start, next.start);
    open.end = std::max(open.end, next.end);
    return;
  }
  close(open);
  open = next;
}

void StepOutliner::add(const MemorySample& /*sample*/) {}

void StepOutliner::close(const OpenSpan& open) {
  OutlineSpan span = open.outline;
  span.start = seconds(open.start);
  span.end = seconds(open.end);
  outline_.spans.push_back(span);
}

StepOutline StepOutliner::finish() && {
  for (const auto& [lane, open] : open_) close(open);
  std::stable_sort(outline_.spans.begin(), outline_.spans.end(),
                   [](const OutlineSpan& a, const OutlineSpan& b) {
                     return std::tie(a.stage, a.lane, a.start) < std::tie(b.stage, b.lane, b.start);
                   });
  return std::move(outline_);
}

}  // namespace foreshard
