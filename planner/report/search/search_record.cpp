#include "planner/report/search/search_record.hpp"

#include <map>
#include <utility>

#include "planner/report/estimate_fields.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/search/best/plan_race.hpp"

namespace foreshard::report {
namespace {

FieldValue unknown() { return std::monostate{}; }

Fields plan_fields(const FoundPlan& plan, std::size_t rank) {
  Fields fields{{"rank", static_cast<std::int64_t>(rank) + 1},
                {"choices", plan_choices(plan.job())},
                {"probability_first_is_faster", plan.behind},
                {"tied", plan.tied},
                {"replayed_s", plan.replayed ? FieldValue(plan.replayed->value()) : unknown()}};
  append(fields, "estimate.", estimate_fields({plan.job(), plan.estimate(), {}}));
  return fields;
}

FieldRows plan_rows(const SearchResult& result, std::vector<FoundPlan> SiteResult::*plans) {
  FieldRows rows;
  for (const std::size_t site : result.ranking) {
    const std::vector<FoundPlan>& of_site = result.sites[site].*plans;
    for (std::size_t i = 0; i < of_site.size(); ++i) rows.rows.push_back(plan_fields(of_site[i], i));
  }
  return rows;
}

FieldRows value_rows(const SearchResult& result) {
  FieldRows rows;
  for (const SiteResult& site : result.sites) {
    for (const BestOfValue& value : site.values) {
      rows.rows.push_back(
          {{"cluster", site.job.cluster.name},
           {"devices", site.job.cluster.devices()},
           {"axis", std::string(word_of_axis(value.axis))},
           {"value", value.value},
           {"step_s", value.best ? FieldValue(value.best->estimate().step.time.value()) : unknown()},
           {"needed_bytes", value.best ? count_field(needed_by(value.best->estimate()).value()) : unknown()},
           {"choices", value.best ? FieldValue(plan_choices(value.best->job())) : unknown()}});
    }
  }
  return rows;
}

Fields count_fields(const SearchCounts& counts) {
  return {{"combinations", counts.combinations}, {"plans", counts.plans},
          {"too_large", counts.too_large},       {"slower", counts.slower},
          {"estimated", counts.estimated},       {"without_floor", counts.without_floor},
          {"refused", counts.refusals()}};
}

FieldRows site_rows(const SearchResult& result) {
  FieldRows rows;
  for (const SiteResult& site : result.sites) {
    const bool fits = !site.best.empty();
    Fields fields{
        {"cluster", site.job.cluster.name},
        {"devices", site.job.cluster.devices()},
        {"complete", site.complete},
        {"best_step_s", fits ? FieldValue(site.best.front().estimate().step.time.value()) : unknown()},
        {"best_choices", fits ? FieldValue(plan_choices(site.best.front().job())) : unknown()}};
    append(fields, "counts.", count_fields(site.counts));
    FieldRows reasons;
    for (const auto& [reason, count] : site.counts.refused)
      reasons.rows.push_back({{"reason", reason}, {"combinations", count}});
    fields.push_back({"counts.refused_by_reason", std::move(reasons)});
    rows.rows.push_back(std::move(fields));
  }
  return rows;
}

SearchCounts all_counts(const SearchResult& result) {
  SearchCounts sum;
  std::map<std::string, std::int64_t> refused;
  for (const SiteResult& site : result.sites) {
    sum.combinations += site.counts.combinations;
    sum.plans += site.counts.plans;
    sum.too_large += site.counts.too_large;
    sum.slower += site.counts.slower;
    sum.estimated += site.counts.estimated;
    sum.without_floor += site.counts.without_floor;
    for (const auto& [reason, count] : site.counts.refused) refused[reason] += count;
  }
  sum.refused.assign(refused.begin(), refused.end());
  return sum;
}

}  // namespace

Record search_record(const SearchResult& result) {
  Fields fields{{"objective", std::string(objective_word(result.objective))},
                {"memory_margin", result.memory_margin},
                {"plans", plan_rows(result, &SiteResult::best)},
                {"pareto", plan_rows(result, &SiteResult::front)},
                {"values", value_rows(result)},
                {"sites", site_rows(result)}};
  append(fields, "counts.", count_fields(all_counts(result)));
  if (result.fewest) {
    const JobSpec& job = result.fewest->job;
    append(fields, "fewest.",
           {{"devices", job.cluster.devices()},
            {"choices", plan_choices(job)},
            {"step_s", result.fewest->estimate.step.time.value()}});
  } else {
    fields.push_back({"fewest", unknown()});
  }
  Fields search;
  append(search, "search.", std::move(fields));
  Record record = record_of(std::move(search), {"search.plans"});
  record.few_columns = few_estimate_columns("search.plans.estimate.");
  for (const char* key : {"search.plans.rank", "search.plans.choices", "search.plans.tied"})
    record.few_columns.emplace_back(key);
  return record;
}

}  // namespace foreshard::report
