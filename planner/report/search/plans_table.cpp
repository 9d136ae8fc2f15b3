#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/search/cut_table.hpp"
#include "planner/report/search/search_sections.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/report/table.hpp"
#include "planner/search/best/plan_race.hpp"
#include "planner/search/space/axis_values.hpp"
#include "planner/spec/job/read_recompute.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::report {
namespace {

/// A choice that may have a column: its title, and its value in a plan.
struct ShownChoice {
  const char* title;
  std::string (*value)(const JobSpec& job);
  bool is_always_told = false;
};

bool has_experts(const JobSpec& job) { return job.model.experts.has_value(); }

std::string whole(std::int64_t value) { return fmt::format("{}", value); }

const std::vector<ShownChoice>& choices() {
  static const std::vector<ShownChoice> kChoices{
      {"tp", [](const JobSpec& job) { return whole(job.parallelism.tp); }, true},
      {"pp", [](const JobSpec& job) { return whole(job.parallelism.pp); }, true},
      {"vp", [](const JobSpec& job) { return whole(job.parallelism.vp); }},
      {"cp", [](const JobSpec& job) { return whole(job.parallelism.cp); }},
      {"ep", [](const JobSpec& job) { return whole(job.parallelism.ep); }},
      {"etp", [](const JobSpec& job) { return has_experts(job) ? whole(job.parallelism.expert_tp()) : "–"; }},
      {"dp", [](const JobSpec& job) { return whole(job.parallelism.dp); }, true},
      {"zero", [](const JobSpec& job) { return whole(job.parallelism.zero); }},
      {"shard",
       [](const JobSpec& job) {
         const bool is_hybrid = job.parallelism.shard_copies() > 1;
         return is_hybrid ? whole(*job.parallelism.dp_shard) : std::string("all");
       }},
      {"mb", [](const JobSpec& job) { return whole(job.training.micro_batch); }},
      {"sp",
       [](const JobSpec& job) { return std::string(job.parallelism.sequence_parallel ? "on" : "off"); }},
      {"recompute", [](const JobSpec& job) { return recompute_text(job.training); }},
      {"precision", [](const JobSpec& job) { return std::string(word_of(job.training.precision)); }},
      {"offload", [](const JobSpec& job) { return offload_text(job.training.offload); }},
      {"schedule", [](const JobSpec& job) { return std::string(word_of(job.training.schedule)); }},
      {"stages", [](const JobSpec& job) { return std::string(word_of(job.parallelism.stage_policy)); }},
      {"dispatcher", [](const JobSpec& job) { return std::string(word_of(job.training.dispatcher)); }}};
  return kChoices;
}

bool is_varied(const ShownChoice& choice, const std::vector<FoundPlan>& plans) {
  const std::string first = choice.value(plans.front().job());
  return std::any_of(plans.begin(), plans.end(),
                     [&](const FoundPlan& plan) { return choice.value(plan.job()) != first; });
}

}  // namespace

Lines plans_table(const std::vector<FoundPlan>& plans) {
  if (plans.empty()) return {};
  std::vector<const ShownChoice*> told;
  for (const ShownChoice& choice : choices())
    if (choice.is_always_told || is_varied(choice, plans)) told.push_back(&choice);
  const Estimate& first = plans.front().estimate();
  const Unit time = time_unit(first.step.time);
  const Unit bytes = byte_unit(first.memory.capacity);
  std::vector<Column> columns{{"#"}};
  for (const ShownChoice* choice : told) columns.push_back({choice->title});
  columns.insert(columns.end(), {{"step, " + time.name},
                                 {"MFU"},
                                 {bytes.name},
                                 {"", Align::left},
                                 {"what it loses to the first", Align::left}});
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    const Estimate& estimate = plans[i].estimate();
    std::vector<std::string> cells{whole(static_cast<std::int64_t>(i) + 1)};
    for (const ShownChoice* choice : told) cells.push_back(choice->value(plans[i].job()));
    const double half = (estimate.step.time * estimate.step.spread).value();
    cells.push_back(fmt::format("{} ±{}", in_unit(estimate.step.time.value(), time), in_unit(half, time)));
    cells.push_back(percent(estimate.step.mfu));
    cells.push_back(in_unit(needed_by(estimate).as_double(), bytes));
    cells.emplace_back(plans[i].tied ? "tied" : "");
    cells.push_back(i == 0 ? "" : loss_words(estimate, first));
    rows.push_back(std::move(cells));
  }
  return cut_table(std::move(columns), std::move(rows));
}

}  // namespace foreshard::report
