#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/options/common_options.hpp"
#include "cli/options/option.hpp"
#include "cli/options/price_option.hpp"
#include "cli/options/search_options.hpp"
#include "cli/terminal/progress.hpp"
#include "planner/search/best/search_request.hpp"
#include "planner/search/best/search_result.hpp"

namespace foreshard::cli {

// What `foreshard search` and `foreshard-run search` share: their command line, and the answer.

struct SearchOptions {
  SpaceOptions space;
  std::vector<std::int64_t> devices;
  std::vector<std::string> clusters;
  SearchObjective objective = SearchObjective::step_time;
  std::size_t top = 10;
  std::optional<SearchAxis> by;  ///< of which the best plan with each value is listed
  bool scales_batch = false;
  std::optional<std::string> emit;
  std::vector<ClusterPrice> prices;
  OutputChoice output;
};

/// The command line; values are written to `options`. Examples are the tool's own.
CommandSpec search_spec(SearchOptions& options);

/// What to search. @throws UsageError for options that do not go together, SpecError as load_jobs
SearchRequest search_request(const SearchOptions& options);

/// Searches with `search`, plays the best plans, writes them where the options say, and gives the answer.
/// @param progress  of this process; says when to end early
CommandResult answer_search(const SearchOptions& options, SearchRequest request, Progress& progress,
                            const std::function<SearchResult(const SearchRequest&)>& search);

}  // namespace foreshard::cli
