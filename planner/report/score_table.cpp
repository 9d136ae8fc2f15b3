#include "planner/report/score_table.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include <fmt/format.h>

#include "planner/report/band_section.hpp"
#include "planner/report/format.hpp"
#include "planner/report/score_words.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;
using Lines = std::vector<std::string>;

/// Largest width of a case's name: the columns that the figures leave.
constexpr std::size_t kWidestName = 42;
constexpr std::size_t kWidestReason = 34;
const std::string kNone = "–";

std::string number(std::size_t n) { return grouped(static_cast<std::int64_t>(n)); }

/// Calls `add` for each case; before the first case of each source, adds a row with the source's name.
template <class Scored, class Heading, class Add>
void by_source(const std::vector<Scored>& cases, Heading heading, Add add) {
  const Scored* before = nullptr;
  for (const Scored& scored : cases) {
    if (before == nullptr || before->source != scored.source) heading(scored.source);
    add(scored);
    before = &scored;
  }
}

template <class Scored>
std::string case_name(const Scored& scored) {
  return "  " + shortened(scored.name, kWidestName);
}

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

/// Runs that no key expresses, with the reasons.
Lines not_judged_table(const Score& score) {
  if (score.not_judged.empty()) return {};
  Table table({{"not judged, s", Align::left}, {"predicted"}, {"measured"}, {"error"}, {"why", Align::left}});
  by_source(
      score.not_judged,
      [&](const std::string& source) {
        table.row({shortened(source, kWidestSource), "", "", "", ""});
      },
      [&](const ScoredCase& scored) {
        table.row({"  " + shortened(scored.name, kWidestSource), significant(scored.predicted.value()),
                   significant(scored.measured.value()), signed_percent(scored.error),
                   shortened(scored.not_judged, kWidestReason)});
      });
  return table.lines();
}

/// The memory of the cases, and of the runs whose step time is unknown.
std::vector<ScoredRun> memory_rows(const Score& score) {
  std::vector<ScoredRun> rows;
  for (const ScoredCase& scored : score.cases)
    rows.push_back({scored.name, scored.source, scored.memory, scored.verdict});
  rows.insert(rows.end(), score.runs.begin(), score.runs.end());
  return rows;
}

Lines memory_table(const Score& score) {
  std::vector<ScoredRun> cases = memory_rows(score);
  std::erase_if(cases, [](const ScoredRun& scored) { return !scored.memory; });
  if (cases.empty()) return {};
  Table table(
      {{"peak memory, GiB", Align::left}, {"predicted"}, {"measured"}, {"error"}, {"kind", Align::left}});
  by_source(
      cases,
      [&](const std::string& source) {
        table.row({shortened(source, kWidestName), "", "", "", ""});
      },
      [&](const ScoredRun& scored) {
        const ScoredMemory& memory = *scored.memory;
        const auto in_gib = [](Bytes bytes) { return fixed(bytes.as_double() / kGibi, 1); };
        table.row({case_name(scored), in_gib(memory.predicted), in_gib(memory.measured),
                   signed_percent(memory.error), std::string(word_of(memory.kind))});
      });
  return table.lines();
}

/// Verdicts that are wrong, and those of runs that say their outcome alone.
Lines verdict_table(const Score& score) {
  std::vector<ScoredRun> runs = memory_rows(score);
  const std::size_t with_step = score.cases.size();
  std::size_t index = 0;
  std::erase_if(runs, [&](const ScoredRun& run) {
    const bool is_case = index++ < with_step;
    return !run.verdict || (is_case && run.verdict->is_right());
  });
  if (runs.empty()) return {};
  Table table(
      {{"memory verdict", Align::left}, {"needed"}, {"of GiB"}, {"said", Align::left}, {"was"}, {""}});
  by_source(
      runs,
      [&](const std::string& source) {
        table.row({shortened(source, kWidestName), "", "", "", "", ""});
      },
      [&](const ScoredRun& run) {
        const ScoredVerdict& verdict = *run.verdict;
        const auto in_gib = [](Bytes bytes) { return fixed(bytes.as_double() / kGibi, 1); };
        table.row({case_name(run), in_gib(verdict.needed), in_gib(verdict.capacity),
                   std::string(to_string(verdict.verdict)), std::string(word_of(verdict.outcome)),
                   verdict.is_right() ? "" : "✗"});
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
               {"|error|"},
               {"median"},
               {"90%"},
               {"bias"},
               {"in band"},
               {"groups"},
               {"rank"},
               {"regret"},
               {"pairs"}});
  if (score.all.step.n == 0) return {};
  for (const SourceScore& source : with_all(score)) {
    if (source.step.n == 0) continue;
    const auto& ranking = source.ranking;
    const bool is_ranked = ranking && ranking->groups > 0;
    table.row(
        {shortened(source.name, kWidestSource), number(source.step.n), percent(source.step.mean_abs),
         percent(source.step.median_abs), percent(source.step.p90_abs), signed_percent(source.step.bias),
         percent(source.coverage), is_ranked ? number(ranking->groups) : kNone,
         is_ranked ? fixed(ranking->rank_correlation, 2) : kNone,
         is_ranked ? percent(ranking->regret) : kNone,
         ranking && ranking->clear_pairs > 0
             ? percent(static_cast<double>(ranking->right_pairs) / static_cast<double>(ranking->clear_pairs))
             : kNone});
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
      if (!source.memory[kind]) continue;
      const ErrorStatistics* const errors = &source.memory[kind]->all;
      is_empty = false;
      table.row({shortened(source.name, kWidestSource), std::string(word_of(static_cast<MemoryKind>(kind))),
                 number(errors->n), percent(errors->mean_abs), percent(errors->median_abs),
                 percent(errors->p90_abs), signed_percent(errors->bias)});
    }
  }
  return is_empty ? Lines{} : table.lines();
}

/// The errors of memory apart: of jobs of which every fact is known, and of the others.
Lines memory_facts(const Score& score) {
  Table table({{"peak memory by what is known", Align::left},
               {"kind", Align::left},
               {"cases"},
               {"mean |error|"},
               {"worst"},
               {"bias"}});
  bool is_empty = true;
  for (std::size_t kind = 0; kind < kMemoryKindCount; ++kind) {
    const auto add = [&](const char* facts, const std::optional<ErrorStatistics>& errors) {
      if (!errors) return;
      is_empty = false;
      table.row({facts, std::string(word_of(static_cast<MemoryKind>(kind))), number(errors->n),
                 percent(errors->mean_abs), percent(errors->worst_abs), signed_percent(errors->bias)});
    };
    const std::optional<MemoryErrors>& errors = score.all.memory[kind];
    if (!errors) continue;
    add("every fact of the job", errors->known);
    add("something is assumed or left out", errors->assumed);
  }
  return is_empty ? Lines{} : table.lines();
}

Lines verdict_statistics(const Score& score) {
  if (!score.all.verdicts) return {};
  Table table({{"memory verdicts by source", Align::left},
               {"jobs"},
               {"right"},
               {""},
               {"ran, refused"},
               {"oom, allowed"},
               {"close"}});
  for (const SourceScore& source : with_all(score)) {
    if (!source.verdicts) continue;
    const VerdictCounts& counts = *source.verdicts;
    table.row({shortened(source.name, kWidestSource), number(counts.n), number(counts.right),
               percent(static_cast<double>(counts.right) / static_cast<double>(counts.n)),
               number(counts.ran_but_refused), number(counts.oom_but_allowed), number(counts.close)});
  }
  return table.lines();
}

Lines split_statistics(const Score& score) {
  if (score.splits.empty()) return {};
  Table table({{"step time by", Align::left},
               {"", Align::left},
               {"cases"},
               {"mean |error|"},
               {"median"},
               {"90%"},
               {"bias"},
               {"in band"}});
  const SplitScore* before = nullptr;
  for (const SplitScore& split : score.splits) {
    const bool is_first = before == nullptr || before->trait != split.trait;
    table.row({is_first ? split.trait : "", split.value, number(split.step.n), percent(split.step.mean_abs),
               percent(split.step.median_abs), percent(split.step.p90_abs), signed_percent(split.step.bias),
               percent(split.coverage)});
    before = &split;
  }
  return table.lines();
}

Lines legend(const Score& score) {
  const auto& cases = score.cases;
  Lines lines;
  const auto add = [&](const std::string& text) {
    for (std::string& line : wrapped(text, kIndent, kIndent)) lines.push_back(std::move(line));
  };
  add("error: predicted / measured − 1. ✗: measured outside the predicted band. Groups: at least 3 plans of "
      "one model, batch and set of devices, repeats of one job counted once; rank: Spearman's correlation in "
      "them; regret: how much longer the plan predicted fastest takes than the fastest; pairs: of two plans "
      "that differ by more than 10%, the share that is ordered right.");
  if (score.all.memory[static_cast<std::size_t>(MemoryKind::other)]) {
    add("Memory of kind other, of which the source does not say what it counts, is compared with reserved.");
  }
  if (score.all.verdicts) {
    add("Memory verdicts: fits and likely fits say that a job runs; right if it did. Close: the capacity "
        "lies "
        "within the band of what the job needs.");
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
  block(wrapped(score_words(score), 0, 0), 0);
  block(step_table(score.cases), kIndent);
  block(not_judged_table(score), kIndent);
  block(memory_table(score), kIndent);
  block(verdict_table(score), kIndent);
  block(step_statistics(score), kIndent);
  block(split_statistics(score), kIndent);
  block(memory_statistics(score), kIndent);
  block(memory_facts(score), kIndent);
  block(verdict_statistics(score), kIndent);
  block(legend(score), 0);
  if (score.band) {
    block(band_words(*score.band), 0);
    block(deviation_table(*score.band), kIndent);
    block(band_table(*score.band), kIndent);
  }
  return text;
}

}  // namespace foreshard
