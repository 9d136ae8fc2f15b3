#include "planner/report/search/search_table.hpp"

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/search/search_sections.hpp"
#include "planner/report/table.hpp"
#include "planner/report/words.hpp"

namespace foreshard {
namespace {

using namespace report;

std::string device_name(const ClusterSpec& cluster) {
  return cluster.accelerator.full_name.empty() ? cluster.accelerator.name : cluster.accelerator.full_name;
}

Lines header(const SearchResult& result, const SiteResult& site) {
  const JobSpec& job = site.job;
  const std::string where = result.sites.size() > 1 ? fmt::format("{} clusters or sizes", result.sites.size())
                                                    : fmt::format("{} × {}", grouped(job.cluster.devices()),
                                                                  device_name(job.cluster));
  return wrapped(fmt::format("{}: {} on {} · {} × {}", job.name, job.model.name, where,
                             counted(job.training.sequence_length, "token"),
                             counted(job.training.global_batch, "sequence")),
                 0, kIndent);
}

}  // namespace

std::string search_table(const SearchResult& result, std::optional<SearchAxis> by) {
  const SiteResult& site = result.sites[result.ranking.empty() ? 0 : result.ranking.front()];
  std::string text;
  const auto block = [&text](const Lines& lines) {
    if (lines.empty()) return;
    if (!text.empty()) text += '\n';
    for (const std::string& line : lines) text += line + '\n';
  };
  block(header(result, site));
  block(sites_table(result));
  if (result.sites.size() > 1)
    block(wrapped(
        fmt::format("On {}:", devices(site.job, site.job.cluster.devices()) + " of " + site.job.cluster.name),
        0, kIndent));
  block(best_lines(result, site));
  block(plans_table(site.best));
  block(value_lines(site));
  if (by) block(plans_by(site, *by));
  if (site.front.size() > 1) {
    block(wrapped(
        "Faster or smaller, from the fastest on: no plan is both faster and smaller than one of these.",
        kIndent, kIndent));
    block(plans_table(site.front));
  }
  block(count_lines(site));
  block(fewest_lines(result));
  return text;
}

}  // namespace foreshard
