#include "planner/report/compare_table.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/report/compare_labels.hpp"
#include "planner/report/compare_rows.hpp"
#include "planner/report/compare_verdict.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "planner/spec/job/read_recompute.hpp"

namespace foreshard {
namespace {

using namespace report;
using Lines = std::vector<std::string>;

constexpr std::size_t kColumnGap = 2;
/// Largest width of a column; longer text is cut.
constexpr std::size_t kWidestCell = 30;

void append(Lines& lines, const Lines& more) { lines.insert(lines.end(), more.begin(), more.end()); }

std::string cut(const std::string& text) { return shortened(text, kWidestCell); }

/// The values that all variants have in common, among those that a comparison may vary.
std::string common_words(const Comparison& comparison) {
  const JobSpec& job = comparison.variants.front().variant.job;
  const auto fixed = [&](Axis axis) { return !is_varied(comparison, axis); };
  std::string text;
  const auto add = [&](bool is_told, const std::string& words) {
    if (is_told) text += (text.empty() ? "" : " · ") + words;
  };
  const std::string sequences =
      fixed(Axis::global_batch) ? counted(job.training.global_batch, "sequence") : std::string("sequences");
  add(fixed(Axis::global_batch) || fixed(Axis::sequence_length),
      sequences + (fixed(Axis::sequence_length)
                       ? fmt::format(" of {}", counted(job.training.sequence_length, "token"))
                       : ""));
  add(fixed(Axis::tp), fmt::format("tp {}", job.parallelism.tp));
  add(fixed(Axis::vp) && fixed(Axis::pp) && job.parallelism.vp > 1, fmt::format("vp {}", job.parallelism.vp));
  add(fixed(Axis::ep) && job.parallelism.ep > 1, fmt::format("ep {}", job.parallelism.ep));
  add(fixed(Axis::zero) && job.parallelism.zero > 0, fmt::format("zero {}", job.parallelism.zero));
  add(fixed(Axis::micro_batch), fmt::format("micro-batch {}", job.training.micro_batch));
  add(fixed(Axis::recompute) && job.training.recompute != Recompute::none,
      fmt::format("recompute {}", recompute_text(job.training)));
  add(fixed(Axis::precision), std::string(word_of(job.training.precision)));
  add(job.framework != Framework::foreshard, fmt::format("as {}", word_of(job.framework)));
  return text;
}

/// " on 64 × NVIDIA H100 80GB SXM": the parts of this that are the same for all variants.
std::string device_words(const Comparison& comparison) {
  const JobSpec& job = comparison.variants.front().variant.job;
  const std::string number = devices(job, job.cluster.devices());
  const bool nodes_vary = is_varied(comparison, Axis::nodes);
  if (is_varied(comparison, Axis::cluster)) return nodes_vary ? "" : " on " + number;
  const AcceleratorSpec& accelerator = job.cluster.accelerator;
  const std::string& device = accelerator.full_name.empty() ? accelerator.name : accelerator.full_name;
  return nodes_vary ? " on " + device : fmt::format(" on {} × {}", grouped(job.cluster.devices()), device);
}

/// "Devices and batch are fixed: dp follows."
std::string what_is_fixed(const Comparison& comparison) {
  const bool batch_varies = is_varied(comparison, Axis::global_batch);
  std::string text = batch_varies ? "Devices are fixed" : "Devices and batch are fixed";
  if (is_varied(comparison, Axis::nodes))
    text =
        batch_varies ? "Devices grow with the nodes" : "The batch is fixed and devices grow with the nodes";
  return text + (is_varied(comparison, Axis::dp) ? "." : ": dp follows.");
}

Lines header(const Comparison& comparison) {
  const JobSpec& job = comparison.variants.front().variant.job;
  Lines lines =
      wrapped(fmt::format("{}: {}{}", job.name, job.model.name, device_words(comparison)), 0, kIndent);
  append(lines, wrapped(common_words(comparison), 0, kIndent));
  append(lines,
         wrapped(what_is_fixed(comparison) + " ± is the kernels' error alone; the rest is common to all.", 0,
                 kIndent));
  return lines;
}

/// A table of the columns from `first` to `last` − 1, with the names of the rows on the left.
Lines table_of(const std::vector<CompareRow>& rows, std::size_t first, std::size_t last) {
  std::vector<Column> columns{{rows.front().name, Align::left}};
  for (std::size_t v = first; v < last; ++v) columns.push_back({cut(rows.front().cells[v]), Align::right});
  Table table(columns);
  for (auto row = rows.begin() + 1; row != rows.end(); ++row) {
    std::vector<std::string> cells{row->name};
    for (std::size_t v = first; v < last; ++v) cells.push_back(cut(row->cells[v]));
    table.row(std::move(cells));
  }
  return table.lines();
}

/// Splits the columns into tables that fit the page, one below the other; each has at least one column.
Lines tables(const std::vector<CompareRow>& rows) {
  std::size_t names = 0;
  for (const CompareRow& row : rows) names = std::max(names, display_width(row.name));
  const std::size_t number = rows.front().cells.size();
  Lines lines;
  std::size_t first = 0;
  std::size_t width = kIndent + names;
  for (std::size_t v = 0; v < number; ++v) {
    std::size_t column = 0;
    for (const CompareRow& row : rows) column = std::max(column, display_width(cut(row.cells[v])));
    width += kColumnGap + column;
    if (width > PageWidth::columns() && v > first) {
      append(lines, table_of(rows, first, v));
      lines.emplace_back();
      first = v;
      width = kIndent + names + kColumnGap + column;
    }
  }
  append(lines, table_of(rows, first, number));
  return lines;
}

Lines reasons(const Comparison& comparison) {
  Lines lines;
  if (!comparison.too_large.empty())
    append(lines,
           wrapped("* does not fit: the step that it would take with enough memory.", kIndent, 2 * kIndent));
  for (std::size_t i = 0; i < comparison.variants.size(); ++i) {
    const auto& illegal = comparison.variants[i].variant.illegal;
    if (!illegal) continue;
    append(lines, wrapped(fmt::format("✗ {}: {}.", label(comparison, i), *illegal), kIndent, 2 * kIndent));
  }
  return lines;
}

}  // namespace

std::string compare_table(const Comparison& comparison) {
  std::string text;
  const auto block = [&text](const Lines& lines, std::size_t indent) {
    if (lines.empty()) return;
    if (!text.empty()) text += '\n';
    for (const std::string& line : lines) {
      if (!line.empty()) text.append(indent, ' ');
      text += line + '\n';
    }
  };
  block(header(comparison), 0);
  block(tables(compare_rows(comparison)), kIndent);
  block(reasons(comparison), 0);
  Lines verdict;
  for (const std::string& sentence : compare_verdict(comparison))
    append(verdict, wrapped(sentence, kIndent, kIndent));
  block(verdict, 0);
  return text;
}

}  // namespace foreshard
