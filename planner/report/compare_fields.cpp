#include "planner/report/compare_fields.hpp"

#include <optional>
#include <string>
#include <variant>

#include "planner/report/compare_labels.hpp"
#include "planner/report/compare_verdict.hpp"
#include "planner/report/words.hpp"

namespace foreshard::report {
namespace {

template <class T>
FieldValue said(const std::optional<T>& value) {
  return value ? FieldValue(*value) : FieldValue(std::monostate{});
}

FieldValue index(const std::optional<std::size_t>& value) {
  return value ? FieldValue(static_cast<std::int64_t>(*value)) : FieldValue(std::monostate{});
}

FieldValue choice_field(const AxisChoice& choice) {
  if (const auto* number = std::get_if<std::int64_t>(&choice.value)) return *number;
  return value_words(choice);
}

}  // namespace

std::vector<Field> compare_fields(const ComparedVariant& variant) {
  std::vector<Field> fields;
  for (const AxisChoice& choice : variant.variant.choices) {
    fields.push_back({"variant." + std::string(axis_key(choice.axis)), choice_field(choice)});
  }
  const bool legal = variant.estimate.has_value();
  const auto cost = legal ? cost_per_token(variant) : std::nullopt;
  fields.push_back({"legal", legal});
  fields.push_back({"reason", said(variant.variant.illegal)});
  fields.push_back({"fits", legal ? FieldValue(variant.fits()) : FieldValue(std::monostate{})});
  fields.push_back({"largest_micro_batch", said(variant.largest_micro_batch)});
  fields.push_back({"longest_sequence", said(variant.longest_sequence)});
  fields.push_back(
      {"dollars_per_1e12_tokens", cost ? FieldValue(cost->value() * 1e12) : FieldValue(std::monostate{})});
  fields.push_back({"speedup", said(variant.speedup)});
  fields.push_back({"efficiency", said(variant.efficiency)});
  fields.push_back({"days_per_1e12_tokens", legal ? FieldValue(days_per_1e12_tokens(*variant.estimate))
                                                  : FieldValue(std::monostate{})});
  fields.push_back({"break_even_dollars_per_device_hour",
                    variant.break_even ? FieldValue(*variant.break_even * kHour / Dollars(1.0))
                                       : FieldValue(std::monostate{})});
  return fields;
}

std::vector<Field> verdict_fields(const Comparison& comparison) {
  return {{"best", index(comparison.best)},
          {"runner_up", index(comparison.runner_up)},
          {"tie", comparison.tie},
          {"ahead", said(comparison.ahead)},
          {"cheapest", index(comparison.cheapest)},
          {"nearest", index(comparison.nearest)},
          {"text", compare_verdict(comparison)}};
}

}  // namespace foreshard::report
