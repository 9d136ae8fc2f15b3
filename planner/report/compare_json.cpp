#include "planner/report/compare_json.hpp"

#include "planner/report/compare_fields.hpp"
#include "planner/report/field_json.hpp"

namespace foreshard {

using report::Json;

std::string compare_json(const Comparison& comparison) {
  Json variants = Json::array();
  for (const ComparedVariant& compared : comparison.variants) {
    // Of a job compared with nothing but itself too there is a variant, with nothing in it.
    Json object = {{"variant", Json::object()}};
    object.update(report::fields_json(report::compare_fields(compared)));
    object["estimate"] = nullptr;
    if (compared.estimate) {
      object["estimate"] = report::fields_json(
          report::estimate_fields({compared.variant.job, *compared.estimate, compared.advice}));
    }
    variants.push_back(std::move(object));
  }
  Json result = Json::object();
  result["variants"] = std::move(variants);
  result["verdict"] = report::fields_json(report::verdict_fields(comparison));
  return report::printed(result);
}

}  // namespace foreshard
