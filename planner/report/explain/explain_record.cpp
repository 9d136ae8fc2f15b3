#include "planner/report/explain/explain_record.hpp"

#include <string>
#include <utility>
#include <vector>

#include "planner/report/estimate_fields.hpp"
#include "planner/report/explain/part_words.hpp"
#include "planner/report/explain/sentences.hpp"

namespace foreshard::report {
namespace {

FieldRows waterfall_rows(const Waterfall& waterfall) {
  FieldRows rows;
  for (const WaterfallPart& part : waterfall.parts) {
    const auto bound = [&](Bound which) { return part.bounds[static_cast<std::size_t>(which)].value(); };
    rows.rows.push_back({{"part", std::string(part_key(part.part))},
                         {"time_s", part.time.value()},
                         {"share", part.time / waterfall.step},
                         {"limited_s.compute", bound(Bound::compute)},
                         {"limited_s.memory_bandwidth", bound(Bound::memory)},
                         {"limited_s.latency", bound(Bound::latency)},
                         {"limited_s.link", bound(Bound::link)}});
  }
  return rows;
}

FieldValue plan_of(const std::optional<NearPlan>& plan) {
  if (!plan) return std::monostate{};
  std::vector<std::string> settings;
  for (const Setting& setting : plan->settings) settings.push_back(setting.key + "=" + setting.value);
  return settings;
}

FieldRows worth_rows(const HardwareWorth& worth, const JobSpec& job) {
  FieldRows rows;
  for (const LeverWorth& lever : worth.levers) {
    const auto known = [&](double value) {
      return lever.applies ? FieldValue(value) : FieldValue(std::monostate{});
    };
    const bool has_price = lever.applies && lever.dollars_per_token;
    rows.rows.push_back(
        {{"of", std::string(lever_key(lever.lever))},
         {"step_s", known((lever.plan ? lever.plan->step : lever.step).value())},
         {"step_of_same_plan_s", known(lever.step.value())},
         {"change_s", known(lever.change.value())},
         {"dollars_per_token",
          has_price ? FieldValue(*lever.dollars_per_token) : FieldValue(std::monostate{})},
         {"share_of_price", known(lever.worth_of_price)},
         {"dollars_per_device_hour",
          has_price ? FieldValue(lever.worth_of_price * job.cluster.price->value() * kHour.value())
                    : FieldValue(std::monostate{})},
         {"plan", plan_of(lever.plan)},
         {"makes_it_fit", lever.makes_it_fit}});
  }
  return rows;
}

FieldRows path_rows(const std::vector<PathPart>& path) {
  FieldRows rows;
  for (const PathPart& part : path)
    rows.rows.push_back({{"component", std::string(to_string(part.component))},
                         {"kind", part.kind},
                         {"phase", std::string(to_string(part.phase))},
                         {"operations", part.operations},
                         {"time_s", part.time.value()}});
  return rows;
}

FieldRows sentence_rows(const ExplainedJob& explained) {
  FieldRows rows;
  for (const CheckedSentence& sentence : explain_sentences(explained))
    rows.rows.push_back({{"text", sentence.text}, {"command", sentence.command}});
  return rows;
}

Fields fields_of(const ExplainedJob& explained) {
  const HardwareWorth& worth = explained.why.worth;
  return {
      {"waterfall", waterfall_rows(explained.why.waterfall)},
      {"worth", worth_rows(worth, explained.planned.job)},
      {"dollars_per_token",
       worth.dollars_per_token ? FieldValue(*worth.dollars_per_token) : FieldValue(std::monostate{})},
      {"better_plan", plan_of(worth.better)},
      {"better_step_s", worth.better ? FieldValue(worth.better->step.value()) : FieldValue(std::monostate{})},
      {"plans_tried", worth.tried},
      {"critical_path", path_rows(explained.path)},
      {"critical_path_s", explained.path_time.value()},
      {"sentences", sentence_rows(explained)}};
}

}  // namespace

Record explain_record(std::span<const ExplainedJob> jobs) {
  Record record{.objects = {}, .row_keys = {}, .few_columns = few_estimate_columns()};
  for (const ExplainedJob& explained : jobs) {
    Fields fields = estimate_fields(explained.planned);
    append(fields, "explain.", fields_of(explained));
    record.objects.push_back(std::move(fields));
  }
  return record;
}

}  // namespace foreshard::report
