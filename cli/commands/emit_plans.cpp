#include "cli/commands/emit_plans.hpp"

#include <cstddef>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "cli/files/output_file.hpp"
#include "cli/terminal/environment_error.hpp"
#include "planner/report/format.hpp"
#include "planner/report/search/search_words.hpp"
#include "planner/search/best/plan_race.hpp"
#include "planner/search/best/plan_settings.hpp"
#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard::cli {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw EnvironmentError(
        fmt::format("the folder '{}' cannot be made: {}", folder.string(), error.message()));
}

std::string text_of(const std::string& job, const JobChanges& changes, const std::string& cluster,
                    const FoundPlan& plan, const std::string& name) {
  std::vector<Override> settings{{.path = "name", .value = MapWriter::quoted(name)}};
  if (!cluster.empty())
    settings.push_back({.path = "cluster", .value = MapWriter::quoted(reference(cluster))});
  for (const Setting& setting : plan_settings(plan.job())) settings.push_back({setting.key, setting.value});
  return fmt::format("# {}: {} per step, {} per device, as `foreshard search` found it.\n{}",
                     report::plan_choices(plan.job()), report::with_unit(plan.estimate().step.time),
                     report::with_unit(needed_by(plan.estimate())),
                     changed_job_text(job, changes, settings, keys_left_out(plan.job())));
}

}  // namespace

void emit_plans(const std::string& folder, const std::string& job, const JobChanges& changes,
                const SearchResult& result, const std::vector<std::string>& clusters) {
  if (result.ranking.empty()) return;
  const std::size_t site = result.ranking.front();
  make_folder(folder);
  const std::vector<FoundPlan>& best = result.sites[site].best;
  for (std::size_t i = 0; i < best.size(); ++i) {
    const std::string name = fmt::format("{}-{}", best[i].job().name, i + 1);
    const std::string text = text_of(job, changes, clusters[site], best[i], name);
    OutputFile file(fs::path(folder) / (name + ".yaml"));
    file.stream() << text;
    file.finish();
  }
}

}  // namespace foreshard::cli
