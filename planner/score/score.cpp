#include "planner/score/score.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace foreshard {
namespace {

/// What is compared of a job's memory, whether its step time was measured or not.
struct MemoryOfJob {
  const std::optional<ScoredMemory>* memory;
  const std::optional<ScoredVerdict>* verdict;
};

std::vector<MemoryOfJob> memories_of(std::span<const ScoredCase> cases, std::span<const ScoredRun> runs) {
  std::vector<MemoryOfJob> memories;
  for (const ScoredCase& scored : cases) memories.push_back({&scored.memory, &scored.verdict});
  for (const ScoredRun& run : runs) memories.push_back({&run.memory, &run.verdict});
  return memories;
}

std::optional<MemoryErrors> memory_errors(std::span<const MemoryOfJob> jobs, MemoryKind kind) {
  std::vector<double> known;
  std::vector<double> assumed;
  for (const MemoryOfJob& job : jobs) {
    if (!*job.memory || (*job.memory)->kind != kind) continue;
    ((*job.memory)->facts_known ? known : assumed).push_back((*job.memory)->error);
  }
  const auto statistics = [](const std::vector<double>& errors) {
    return errors.empty() ? std::nullopt : std::optional(error_statistics(errors));
  };
  std::vector<double> all = known;
  all.insert(all.end(), assumed.begin(), assumed.end());
  if (all.empty()) return std::nullopt;
  return MemoryErrors{
      .all = error_statistics(all), .known = statistics(known), .assumed = statistics(assumed)};
}

std::optional<VerdictCounts> count_verdicts(std::span<const MemoryOfJob> jobs) {
  VerdictCounts counts;
  for (const MemoryOfJob& job : jobs) {
    if (!*job.verdict) continue;
    const ScoredVerdict& verdict = **job.verdict;
    ++counts.n;
    if (verdict.is_close()) ++counts.close;
    if (verdict.is_right()) {
      ++counts.right;
    } else {
      ++(verdict.outcome == RunOutcome::ran ? counts.ran_but_refused : counts.oom_but_allowed);
    }
  }
  return counts.n > 0 ? std::optional(counts) : std::nullopt;
}

template <class Scored>
std::vector<Scored> of_source(const std::vector<Scored>& all, const std::string& source) {
  std::vector<Scored> own;
  std::copy_if(all.begin(), all.end(), std::back_inserter(own),
               [&](const Scored& scored) { return scored.source == source; });
  return own;
}

}  // namespace

SourceScore score_source(std::string name, std::span<const ScoredCase> cases,
                         std::span<const ScoredRun> runs) {
  if (cases.empty() && runs.empty()) throw std::invalid_argument("there is nothing to score");
  SourceScore source;
  source.name = std::move(name);
  if (!cases.empty()) {
    std::vector<double> errors;
    for (const ScoredCase& scored : cases) errors.push_back(scored.error);
    const auto covered =
        std::count_if(cases.begin(), cases.end(), [](const ScoredCase& scored) { return scored.in_band(); });
    source.step = error_statistics(errors);
    source.coverage = static_cast<double>(covered) / static_cast<double>(cases.size());
    source.ranking = rank_groups(cases);
  }
  const std::vector<MemoryOfJob> memories = memories_of(cases, runs);
  for (std::size_t kind = 0; kind < kMemoryKindCount; ++kind)
    source.memory[kind] = memory_errors(memories, static_cast<MemoryKind>(kind));
  source.verdicts = count_verdicts(memories);
  return source;
}

Score score(std::vector<ScoredCase> cases, std::vector<ScoredRun> runs) {
  if (cases.empty() && runs.empty()) throw std::invalid_argument("there is nothing to score");
  Score result;
  const auto judged = std::stable_partition(
      cases.begin(), cases.end(), [](const ScoredCase& scored) { return scored.not_judged.empty(); });
  result.not_judged.assign(judged, cases.end());
  cases.erase(judged, cases.end());
  std::vector<std::string> names;
  const auto add_name = [&](const auto& scored) {
    if (std::find(names.begin(), names.end(), scored.source) == names.end()) names.push_back(scored.source);
  };
  std::for_each(cases.begin(), cases.end(), add_name);
  std::for_each(runs.begin(), runs.end(), add_name);
  for (const std::string& name : names)
    result.sources.push_back(score_source(name, of_source(cases, name), of_source(runs, name)));
  if (!cases.empty() || !runs.empty()) result.all = score_source("all", cases, runs);
  result.splits = split_cases(cases);
  result.noise = noise_floor(cases);
  result.cases = std::move(cases);
  result.runs = std::move(runs);
  return result;
}

std::vector<ScoredRun> wrong_runs(std::vector<ScoredRun> runs, std::size_t number) {
  std::erase_if(runs, [](const ScoredRun& run) { return !run.verdict || run.verdict->is_right(); });
  runs.resize(std::min(number, runs.size()));
  return runs;
}

std::vector<ScoredCase> worst_cases(std::vector<ScoredCase> cases, std::size_t number) {
  std::stable_sort(cases.begin(), cases.end(), [](const ScoredCase& a, const ScoredCase& b) {
    return std::abs(a.error) > std::abs(b.error);
  });
  cases.resize(std::min(number, cases.size()));
  return cases;
}

}  // namespace foreshard
