#include "planner/report/score_words.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

std::string ranking_words(const Ranking& ranking) {
  std::string text;
  if (ranking.groups > 0) {
    text = fmt::format(
        " In {} of plans for the same model, batch and devices the rank correlation is {} on average, and "
        "the plan predicted fastest is {} slower than the fastest measured.",
        counted(static_cast<std::int64_t>(ranking.groups), "group"), fixed(ranking.rank_correlation, 2),
        percent(ranking.regret));
  }
  if (ranking.clear_pairs > 0) {
    text += fmt::format(
        " Of {} of such plans that differ by more than {:.0f}%, {} are ordered right.",
        counted(static_cast<std::int64_t>(ranking.clear_pairs), "pair"), 100.0 * kClearlySlower,
        percent(static_cast<double>(ranking.right_pairs) / static_cast<double>(ranking.clear_pairs)));
  }
  return text;
}

}  // namespace

std::string score_words(const Score& score) {
  const SourceScore& all = score.all;
  if (all.step.n == 0) return {};
  std::string text = fmt::format(
      "Step times of {} are {} off on average (median {}, nine of ten within {}), with a bias of {}; {} "
      "lie in their predicted band.",
      counted(static_cast<std::int64_t>(all.step.n), "measured run"), percent(all.step.mean_abs),
      percent(all.step.median_abs), percent(all.step.p90_abs), signed_percent(all.step.bias),
      percent(all.coverage));
  if (all.ranking) text += ranking_words(*all.ranking);
  if (score.noise) {
    text += fmt::format(
        " {} were measured several times: their {} differ from the job's median by {} on average, which no "
        "prediction of one figure per job can better.",
        counted(static_cast<std::int64_t>(score.noise->jobs), "job"),
        counted(static_cast<std::int64_t>(score.noise->cases), "run"), percent(score.noise->mean_abs));
  }
  if (!score.not_judged.empty()) {
    text += fmt::format(" {} did what no key expresses: listed, and in none of the means.",
                        counted(static_cast<std::int64_t>(score.not_judged.size()), "further run"));
  }
  return text;
}

}  // namespace foreshard::report
