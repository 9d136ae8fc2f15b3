#include "cli/commands/simulation_json.hpp"

#include <algorithm>

#include "planner/report/estimate_fields.hpp"
#include "planner/report/field_json.hpp"

namespace foreshard::cli {
namespace {

using report::Json;

Json seeds_json(const SimulatedJob& done) {
  if (done.seeds.empty()) return nullptr;
  const auto time = [&](double share) { return percentile(done.seeds, share).time.seconds().value(); };
  return {{"draws", done.seeds.size()},
          {"seed", done.seed},
          {"p5_s", time(0.05)},
          {"median_s", time(0.5)},
          {"p95_s", time(0.95)}};
}

Json with_json(const SimulatedJob& done) {
  if (!done.beside) return nullptr;
  return {{"job", done.beside->name},
          {"time_s", done.beside->step.seconds().value()},
          {"alone_s", done.beside->alone.seconds().value()}};
}

Json links_json(const SimulatedJob& done) {
  constexpr std::size_t kMost = 64;
  Json links = Json::array();
  for (std::size_t l = 0; l < std::min(kMost, done.links.size()); ++l) {
    const LinkLoad& load = done.links[l];
    links.push_back(
        {{"link", to_string(load.link)}, {"alike", load.alike}, {"bytes", load.bytes}, {"busy", load.share}});
  }
  return links;
}

Json simulation_of(const SimulatedJob& done) {
  Json undisturbed = nullptr;
  if (done.undisturbed) undisturbed = done.undisturbed->seconds().value();
  return {{"network", done.flows ? "flow" : "alpha-beta"},
          {"ranks", done.simulation.ranks.size()},
          {"operations", done.simulation.tasks},
          {"undisturbed_s", undisturbed},
          {"seeds", seeds_json(done)},
          {"with", with_json(done)},
          {"links", links_json(done)}};
}

}  // namespace

std::string simulation_json(const std::vector<SimulatedJob>& jobs) {
  Json result = Json::array();
  for (const SimulatedJob& done : jobs) {
    Json object = report::fields_json(report::estimate_fields(done.planned));
    object["simulation"] = simulation_of(done);
    result.push_back(std::move(object));
  }
  return report::printed(jobs.size() == 1 ? result.front() : result);
}

}  // namespace foreshard::cli
