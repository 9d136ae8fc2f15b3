#include "planner/report/plan_table.hpp"

#include <fmt/format.h>

#include "planner/cost/step/error_band.hpp"
#include "planner/report/format.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;

/// The lines of the table, with one blank line between blocks.
class Page {
 public:
  void block(const Lines& lines, std::size_t indent) {
    if (lines.empty()) return;
    if (!text_.empty()) text_ += '\n';
    append(lines, indent);
  }
  void append(const Lines& lines, std::size_t indent) {
    for (const std::string& line : lines) {
      if (!line.empty()) text_.append(indent, ' ');
      text_ += line + '\n';
    }
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Lines peaks_by_stage(const MemoryReport& memory) {
  if (memory.stages.size() < 2) return {};
  const Unit unit = byte_unit(memory.peak);
  std::string text = fmt::format("peak by stage, {}:", unit.name);
  for (const StageMemory& stage : memory.stages) {
    text += fmt::format(" {}", in_unit(stage.peak.as_double(), unit));
  }
  return wrapped(text, kIndent, 2 * kIndent);
}

/// How the step time was computed, in words for people. JSON has the values that estimate.hpp lists.
std::string basis_words(const PlannedJob& planned) {
  const std::string& basis = planned.estimate.basis;
  if (planned.job.parallelism.pp == 1)
    return basis == "closed form" ? "sum over one device's operations" : basis;
  const auto schedule = word_of(planned.job.training.schedule);
  if (basis == "schedule of block sums")
    return fmt::format("each stage's passes in the order of {}", schedule);
  return fmt::format("{} ({})", basis, schedule);
}

Lines notes(const PlannedJob& planned) {
  Lines lines;
  for (const std::string& note : planned.estimate.notes) {
    for (std::string& line : wrapped(fmt::format("note: {}", note), kIndent, 2 * kIndent))
      lines.push_back(std::move(line));
  }
  const StepFigures& step = planned.estimate.step;
  const auto signed_share = [&](Seconds time) { return signed_percent(time / step.time - 1.0); };
  const std::string basis = fmt::format(
      "basis: {} · kernel model of {} (±{:.0f}%) · band {} to {}: about {:.0f}% of runs of a site that "
      "nobody "
      "measured lie in such bands",
      basis_words(planned), planned.job.cluster.accelerator.name, 100.0 * step.spread,
      signed_share(step.time_low), signed_share(step.time_high), 100.0 * kBandShare);
  for (std::string& line : wrapped(basis, kIndent, 2 * kIndent)) lines.push_back(std::move(line));
  return lines;
}

}  // namespace

std::string plan_table(const PlannedJob& planned) {
  Page page;
  page.append(job_lines(planned), 0);
  page.block(verdict_lines(planned), 0);
  page.append(typical_lines(planned), 0);
  page.append(training_lines(planned), 0);
  page.block(step_table(planned), kIndent);
  page.block(beside(memory_table(planned), parameter_table(planned), PageWidth::columns() - kIndent),
             kIndent);
  page.append(peaks_by_stage(planned.estimate.memory), 0);
  page.block(layer_table(planned), kIndent);
  page.block(communication_table(planned), kIndent);
  page.block(notes(planned), 0);
  return page.text();
}

}  // namespace foreshard
