#include "planner/report/score_table.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "planner/report/band_section.hpp"
#include "planner/report/format.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;
using Lines = std::vector<std::string>;

/// Largest width of a case's name: the columns that the figures leave.
constexpr std::size_t kWidestName = 42;
const std::string kNone = "–";

std::string number(std::size_t n) { return grouped(static_cast<std::int64_t>(n)); }

/// Calls `add` for each case; before the first case of each source, adds a row with the source's name.
template <class Heading, class Add>
void by_source(const std::vector<ScoredCase>& cases, Heading heading, Add add) {
  const ScoredCase* before = nullptr;
  for (const ScoredCase& scored : cases) {
    if (before == nullptr || before->source != scored.source) heading(scored.source);
    add(scored);
    before = &scored;
  }
}

std::string case_name(const ScoredCase& scored) { return "  " + shortened(scored.name, kWidestName); }

Lines step_table(const std::vector<ScoredCase>& cases) {
  if (cases.empty()) return {};
  Table table({{"step time, s", Align::left}, {"predicted"}, {"band"}, {"measured"}, {"error"}, {""}});
  by_source(
      cases,
      [&](const std::string& source) {
        table.row({shortened(source, kWidestName), "", "", "", "", ""});
      },
      [&](const ScoredCase& scored) {
        const auto in_seconds = [](Seconds time) { return significant(time.value()); };
        table.row({case_name(scored), in_seconds(scored.predicted),
                   fmt::format("{} – {}", in_seconds(scored.low), in_seconds(scored.high)),
                   in_seconds(scored.measured), signed_percent(scored.error), scored.in_band() ? "" : "✗"});
      });
  return table.lines();
}

Lines memory_table(std::vector<ScoredCase> cases) {
  std::erase_if(cases, [](const ScoredCase& scored) { return !scored.memory; });
  if (cases.empty()) return {};
  Table table(
      {{"peak memory, GiB", Align::left}, {"predicted"}, {"measured"}, {"error"}, {"kind", Align::left}});
  by_source(
      cases,
      [&](const std::string& source) {
        table.row({shortened(source, kWidestName), "", "", "", ""});
      },
      [&](const ScoredCase& scored) {
        const ScoredMemory& memory = *scored.memory;
        const auto in_gib = [](Bytes bytes) { return fixed(bytes.as_double() / kGibi, 1); };
        table.row({case_name(scored), in_gib(memory.predicted), in_gib(memory.measured),
                   signed_percent(memory.error), std::string(word_of(memory.kind))});
      });
  return table.lines();
}

std::vector<SourceScore> with_all(const Score& score) {
  std::vector<SourceScore> rows = score.sources;
  if (rows.size() > 1) rows.push_back(score.all);
  return rows;
}

Lines step_statistics(const Score& score) {
  Table table({{"step time by source", Align::left},
               {"cases"},
               {"mean |error|"},
               {"median"},
               {"90%"},
               {"bias"},
               {"in band"},
               {"groups"},
               {"rank"},
               {"regret"}});
  for (const SourceScore& source : with_all(score)) {
    const auto& ranking = source.ranking;
    table.row(
        {shortened(source.name, kWidestSource), number(source.step.n), percent(source.step.mean_abs),
         percent(source.step.median_abs), percent(source.step.p90_abs), signed_percent(source.step.bias),
         percent(source.coverage), ranking ? number(ranking->groups) : kNone,
         ranking ? fixed(ranking->rank_correlation, 2) : kNone, ranking ? percent(ranking->regret) : kNone});
  }
  return table.lines();
}

Lines memory_statistics(const Score& score) {
  Table table({{"peak memory by source", Align::left},
               {"kind", Align::left},
               {"cases"},
               {"mean |error|"},
               {"median"},
               {"90%"},
               {"bias"}});
  bool is_empty = true;
  for (const SourceScore& source : with_all(score)) {
    for (std::size_t kind = 0; kind < kMemoryKindCount; ++kind) {
      const auto& errors = source.memory[kind];
      if (!errors) continue;
      is_empty = false;
      table.row({shortened(source.name, kWidestSource), std::string(word_of(static_cast<MemoryKind>(kind))),
                 number(errors->n), percent(errors->mean_abs), percent(errors->median_abs),
                 percent(errors->p90_abs), signed_percent(errors->bias)});
    }
  }
  return is_empty ? Lines{} : table.lines();
}

Lines summary(const Score& score) {
  const SourceScore& all = score.all;
  std::string text = fmt::format(
      "Step times of {} are {} off on average (median {}, nine of ten within {}), with a bias of {}; {} "
      "lie in their predicted band.",
      counted(static_cast<std::int64_t>(all.step.n), "measured run"), percent(all.step.mean_abs),
      percent(all.step.median_abs), percent(all.step.p90_abs), signed_percent(all.step.bias),
      percent(all.coverage));
  if (all.ranking) {
    text += fmt::format(
        " In {} of plans for the same model, batch and devices the rank correlation is {} on average, and "
        "the plan predicted fastest is {} slower than the fastest measured.",
        counted(static_cast<std::int64_t>(all.ranking->groups), "group"),
        fixed(all.ranking->rank_correlation, 2), percent(all.ranking->regret));
  }
  return wrapped(text, 0, 0);
}

Lines legend(const Score& score) {
  const auto& cases = score.cases;
  Lines lines;
  const auto add = [&](const std::string& text) {
    for (std::string& line : wrapped(text, kIndent, kIndent)) lines.push_back(std::move(line));
  };
  add("error: predicted / measured − 1. ✗: measured outside the predicted band. Groups: at least 3 plans of "
      "one model, batch and set of devices; rank: Spearman's correlation in them; regret: how much longer "
      "the "
      "plan predicted fastest takes than the fastest.");
  if (score.all.memory[static_cast<std::size_t>(MemoryKind::other)]) {
    add("Memory of kind other, of which the source does not say what it counts, is compared with reserved.");
  }
  if (!cases.empty() && cases.size() < score.all.step.n) {
    add(fmt::format("Shown are the {} worst of {} cases; statistics are of all.", cases.size(),
                    score.all.step.n));
  }
  return lines;
}

}  // namespace

std::string score_table(const Score& score) {
  std::string text;
  const auto block = [&text](const Lines& lines, std::size_t indent) {
    if (lines.empty()) return;
    if (!text.empty()) text += '\n';
    for (const std::string& line : lines) text += std::string(indent, ' ') + line + '\n';
  };
  block(summary(score), 0);
  block(step_table(score.cases), kIndent);
  block(memory_table(score.cases), kIndent);
  block(step_statistics(score), kIndent);
  block(memory_statistics(score), kIndent);
  block(legend(score), 0);
  if (score.band) {
    block(band_words(*score.band), 0);
    block(band_table(*score.band), kIndent);
  }
  return text;
}

}  // namespace foreshard
