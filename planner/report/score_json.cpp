#include "planner/report/score_json.hpp"

#include <utility>

#include "planner/report/field_json.hpp"
#include "planner/report/score_fields.hpp"

namespace foreshard {

using report::Json;

namespace {

Json band_json(const BandFit& fit) {
  Json band = report::fields_json(report::band_fields(fit));
  band["held_out"] = Json::object();
  for (const HeldOutSource& source : fit.held_out) {
    band["held_out"][source.name] = report::fields_json(report::held_out_fields(source));
  }
  return band;
}

}  // namespace

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
  if (score.band) result["band"] = band_json(*score.band);
  return report::printed(result);
}

}  // namespace foreshard
