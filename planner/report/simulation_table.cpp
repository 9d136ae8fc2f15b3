#include "planner/report/simulation_table.hpp"

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/plan_table.hpp"
#include "planner/report/simulation_sections.hpp"
#include "planner/report/words.hpp"

namespace foreshard {

std::string simulation_table(const SimulatedJob& done) {
  const SimulatedStep& step = done.simulation;
  std::string text = plan_table(done.planned);
  for (const std::vector<std::string>& lines :
       {step.has_every_rank ? report::rank_lines(step) : report::stage_lines(step), report::path_lines(step),
        report::disturbed_lines(step), report::link_lines(step), report::training_lines(done)}) {
    if (lines.empty()) continue;
    text += '\n';
    for (const std::string& line : lines) text += "  " + line + '\n';
  }
  const auto ranks = static_cast<std::int64_t>(step.ranks.size());
  const std::string who = step.has_every_rank
                              ? fmt::format("each of {} ranks", report::grouped(ranks))
                              : fmt::format("one rank of each of {}", report::counted(ranks, "stage"));
  return text + fmt::format("\n  {} operations simulated, {}\n",
                            report::grouped(static_cast<std::int64_t>(step.operations)), who);
}

}  // namespace foreshard
