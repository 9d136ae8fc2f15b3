#include "planner/report/score_json.hpp"

#include <utility>

#include "planner/report/field_json.hpp"
#include "planner/report/score_fields.hpp"

namespace foreshard {

using report::Json;

std::string score_json(const Score& score) {
  Json cases = Json::array();
  for (const ScoredCase& scored : score.cases) {
    cases.push_back(report::fields_json(report::case_fields(scored)));
  }
  Json sources = Json::object();
  for (const SourceScore& source : score.sources) {
    sources[source.name] = report::fields_json(report::source_fields(source));
  }
  Json result = Json::object();
  result["cases"] = std::move(cases);
  result["sources"] = std::move(sources);
  result["all"] = report::fields_json(report::source_fields(score.all));
  return report::printed(result);
}

}  // namespace foreshard
