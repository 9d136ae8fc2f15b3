#include "cli/commands/search.hpp"

#include <memory>
#include <utility>

#include "cli/commands/search_answer.hpp"
#include "planner/search/best/plan_search.hpp"

namespace foreshard::cli {
namespace {

CommandResult run_search(const SearchOptions& options) {
  SearchRequest request = search_request(options);
  Progress progress(true);
  return answer_search(options, std::move(request), progress,
                       [](const SearchRequest& asked) { return search_plans(asked); });
}

}  // namespace

Command search_command() {
  const auto options = std::make_shared<SearchOptions>();
  CommandSpec spec = search_spec(*options);
  spec.examples =
      "foreshard search llama3-70b-64h100\n"
      "foreshard search my-job.yaml --devices 64-512 --memory-margin 8%\n"
      "foreshard search my-job.yaml --cluster dgx-h100,dgx-b200 --objective tokens-per-dollar\n"
      "foreshard search my-job.yaml --tp 8 --keep recompute --emit plans\n";
  return {.spec = std::move(spec),
          .run = [options] { return run_search(*options); },
          .nothing_done = "nothing searched"};
}

}  // namespace foreshard::cli
