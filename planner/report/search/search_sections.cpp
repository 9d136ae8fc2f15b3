#include "planner/report/search/search_sections.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/search/cut_table.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"
#include "planner/search/best/plan_race.hpp"

namespace foreshard::report {
namespace {

void add_lines(Lines& lines, Lines more) {
  for (std::string& line : more) lines.push_back(std::move(line));
}

std::string memory_words(const Estimate& estimate) {
  const Unit unit = byte_unit(estimate.memory.capacity);
  return fmt::format("{} of {} {}", in_unit(needed_by(estimate).as_double(), unit),
                     in_unit(estimate.memory.capacity.as_double(), unit), unit.name);
}

/// "+2.7%" of a plan's step over another's.
std::string over(Seconds step, Seconds best) { return signed_percent(step / best - 1.0); }

std::string lead_words(const SiteResult& site) {
  if (site.best.size() < 2) return " No other plan fits.";
  const auto tied =
      std::count_if(site.best.begin(), site.best.end(), [](const FoundPlan& plan) { return plan.tied; });
  const double behind = site.best[1].behind;
  if (tied == 0) return fmt::format(" It is faster than the next in {:.0f} of 10 cases.", 10.0 * behind);
  const bool all = static_cast<std::size_t>(tied) + 1 == site.best.size();
  return fmt::format(
      " It is faster than the next in {:.0f} of 10 cases: {}{} tied with it, given the kernels' error.",
      10.0 * behind, all ? "all others below are" : counted(tied, "plan"),
      all         ? ""
      : tied == 1 ? " is"
                  : " are");
}

std::string own_words(const SiteResult& site) {
  const std::string choices = plan_choices(site.job);
  if (!site.own) return " The job's own plan cannot run.";
  const Estimate& own = *site.own->estimate;
  if (!own.memory.fits) return fmt::format(" The job's own plan ({}) does not fit.", choices);
  if (site.best.empty()) return {};
  const Seconds best = site.best.front().estimate().step.time;
  if (own.step.time <= best) return " That is the job's own plan, or as fast.";
  return fmt::format(" The job's own plan ({}) takes {} ({}).", choices, with_unit(own.step.time),
                     over(own.step.time, best));
}

/// What may still help where no plan fits.
std::string hint_words(const SiteResult& site) {
  const bool tried = std::any_of(site.values.begin(), site.values.end(),
                                 [](const BestOfValue& value) { return value.axis == SearchAxis::offload; });
  if (!site.complete || tried || !site.job.cluster.host) return {};
  return " With `offload` among the axes of --free, plans that keep a part in the host's memory are "
         "searched, too.";
}

}  // namespace

Lines best_lines(const SearchResult& result, const SiteResult& site) {
  if (site.best.empty())
    return wrapped(
        fmt::format("No plan fits{}.{}{}", site.complete ? "" : " so far", own_words(site), hint_words(site)),
        kIndent, kIndent);
  const FoundPlan& first = site.best.front();
  const StepFigures& step = first.estimate().step;
  const Unit unit = time_unit(step.time);
  const auto devices_double = static_cast<double>(first.job().cluster.devices());
  std::string text =
      fmt::format("Best{}: {}: {} {} per step ({} – {}), {} tokens/s per {}, {} MFU; it needs {}.",
                  result.objective == SearchObjective::step_time
                      ? ""
                      : fmt::format(" by {}", objective_words(result.objective)),
                  plan_choices(first.job()), in_unit(step.time.value(), unit), unit.name,
                  in_unit(step.time_low.value(), unit), in_unit(step.time_high.value(), unit),
                  significant(step.tokens / step.time.value() / devices_double), device_word(first.job()),
                  percent(step.mfu), memory_words(first.estimate()));
  if (result.objective != SearchObjective::memory_headroom) text += lead_words(site);
  if (first.replayed)
    text += fmt::format(" The simulator needs {} for its step ({}).", with_unit(*first.replayed),
                        over(*first.replayed, step.time));
  text += own_words(site);
  if (!site.complete) text += " The search was ended early: these are the best plans so far.";
  return wrapped(text, kIndent, kIndent);
}

Lines value_lines(const SiteResult& site) {
  if (site.best.empty()) return {};
  const Seconds best = site.best.front().estimate().step.time;
  Lines lines = wrapped("The best step with each value, over the best of all:", kIndent, kIndent);
  std::size_t i = 0;
  while (i < site.values.size()) {
    const SearchAxis axis = site.values[i].axis;
    std::string text = fmt::format("{}: ", word_of_axis(axis));
    bool is_first = true;
    for (; i < site.values.size() && site.values[i].axis == axis; ++i) {
      const BestOfValue& value = site.values[i];
      if (!value.best) continue;
      const Seconds step = value.best->estimate().step.time;
      text += fmt::format("{}{} {}", is_first ? "" : " · ", value.value,
                          step <= best ? "best" : over(step, best));
      is_first = false;
    }
    add_lines(lines, wrapped(text, 2 * kIndent, 3 * kIndent));
  }
  return lines;
}

Lines plans_by(const SiteResult& site, SearchAxis axis) {
  std::vector<FoundPlan> plans;
  std::string without;
  for (const BestOfValue& value : site.values) {
    if (value.axis != axis) continue;
    if (value.best)
      plans.push_back(*value.best);
    else
      without += fmt::format("{}{}", without.empty() ? "" : ", ", value.value);
  }
  if (plans.empty()) return {};
  std::stable_sort(plans.begin(), plans.end(), [](const FoundPlan& a, const FoundPlan& b) {
    return a.estimate().step.time < b.estimate().step.time;
  });
  Lines lines =
      wrapped(fmt::format("The best plan with each value of {}, if it were fixed:{}", word_of_axis(axis),
                          without.empty() ? "" : fmt::format(" (no plan fits with {})", without)),
              kIndent, kIndent);
  lines.emplace_back();
  add_lines(lines, plans_table(plans));
  return lines;
}

Lines sites_table(const SearchResult& result) {
  if (result.sites.size() < 2) return {};
  std::vector<Column> columns{{"cluster", Align::left},
                              {"devices"},
                              {"step, s"},
                              {"tokens/s each"},
                              {"MFU"},
                              {"efficiency"},
                              {"USD per T tokens"},
                              {"best plan", Align::left}};
  std::vector<std::vector<std::string>> rows;
  const FoundPlan* reference = nullptr;  // the smallest on which the same cluster's plans fit
  for (const SiteResult& site : result.sites) {
    const std::string devices_here = grouped(site.job.cluster.devices());
    if (site.best.empty()) {
      rows.push_back({site.job.cluster.name, devices_here, "–", "–", "–", "–", "–", "no plan fits"});
      continue;
    }
    const FoundPlan& best = site.best.front();
    if (reference == nullptr || reference->job().cluster.name != site.job.cluster.name) reference = &best;
    const auto rate = [](const FoundPlan& plan) {
      return 1.0 /
             (time_per_token(plan.estimate()).value() * static_cast<double>(plan.job().cluster.devices()));
    };
    const auto cost = cost_per_token(best.plan);
    rows.push_back({site.job.cluster.name, devices_here, significant(best.estimate().step.time.value()),
                    significant(rate(best)), percent(best.estimate().step.mfu),
                    percent(rate(best) / rate(*reference)), cost ? in_millions(cost->value() * 1e12) : "–",
                    plan_choices(best.job())});
  }
  return cut_table(std::move(columns), std::move(rows));
}

Lines count_lines(const SiteResult& site) {
  const SearchCounts& counts = site.counts;
  std::string text = fmt::format(
      "{} combinations: {} are plans, {} refused. Of the plans {} are too large, {} cannot be among those "
      "shown, {} were "
      "estimated in full.",
      grouped(counts.combinations), grouped(counts.plans), grouped(counts.refusals()),
      grouped(counts.too_large), grouped(counts.slower), grouped(counts.estimated));
  Lines lines = wrapped(text, kIndent, kIndent);
  if (counts.refused.empty()) return lines;
  text = "Refused: ";
  for (std::size_t i = 0; i < counts.refused.size(); ++i)
    text += fmt::format("{}{} {}", i == 0 ? "" : "; ", counts.refused[i].first,
                        grouped(counts.refused[i].second));
  add_lines(lines, wrapped(text + ".", kIndent, 2 * kIndent));
  return lines;
}

Lines fewest_lines(const SearchResult& result) {
  if (!result.fewest) return {};
  const JobSpec& job = result.fewest->job;
  return wrapped(fmt::format("The fewest devices on which it fits: {} ({}), {} per step.",
                             devices(job, job.cluster.devices()), plan_choices(job),
                             with_unit(result.fewest->estimate.step.time)),
                 kIndent, kIndent);
}

}  // namespace foreshard::report
