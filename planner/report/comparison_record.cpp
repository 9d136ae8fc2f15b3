#include "planner/report/comparison_record.hpp"

#include <utility>

#include "planner/report/compare_fields.hpp"
#include "planner/report/estimate_fields.hpp"

namespace foreshard::report {
namespace {

Fields variant_fields(const ComparedVariant& compared) {
  // If no axis is varied, there is one variant, and its `variant` object is empty.
  Fields fields{{"variant", NamedFields{}}};
  append(fields, "", compare_fields(compared));
  if (compared.estimate) {
    append(fields, "estimate.", estimate_fields({compared.variant.job, *compared.estimate, compared.advice}));
  } else {
    fields.push_back({"estimate", std::monostate{}});
  }
  return fields;
}

}  // namespace

Record comparison_record(const Comparison& comparison) {
  FieldRows variants;
  for (const ComparedVariant& compared : comparison.variants)
    variants.rows.push_back(variant_fields(compared));
  Fields fields{{"variants", std::move(variants)}};
  append(fields, "verdict.", verdict_fields(comparison));
  Record record = record_of(std::move(fields), {"variants"});
  record.few_columns = few_estimate_columns("estimate.");
  for (const char* key :
       {"variant.", "legal", "reason", "fits", "dollars_per_1e12_tokens", "days_per_1e12_tokens"})
    record.few_columns.emplace_back(key);
  return record;
}

}  // namespace foreshard::report
