#pragma once

#include <string>
#include <vector>

#include "cli/options/job_input.hpp"
#include "planner/search/best/search_result.hpp"

namespace foreshard::cli {

/// Writes the best plans of the best site as job files: DIR/NAME-1.yaml, DIR/NAME-2.yaml, … Each stands by itself and
/// plans as the search said. Makes the folder if there is none.
/// @param job       the argument of the search, and what its command line changed
/// @param clusters  for each site the cluster that the command line named, or an empty text for the job's own
/// @throws EnvironmentError if a file cannot be written
void emit_plans(const std::string& folder, const std::string& job, const JobChanges& changes,
                const SearchResult& result, const std::vector<std::string>& clusters);

}  // namespace foreshard::cli
