#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "planner/search/best/site_work.hpp"

namespace foreshard {

/// A piece of a search that rank 0 hands out.
struct SearchTask {
  enum class Kind : std::uint8_t {
    bound,          ///< bound the plans of one part of a site's space
    bound_closely,  ///< bound one plan of a site by its own step program
    estimate,       ///< estimate one plan of a site
    end             ///< the search is over
  };
  Kind kind = Kind::end;
  std::size_t site = 0;  ///< index in the request
  std::size_t part = 0;  ///< to bound
  PlanPoint plan{};      ///< to bound closely or to estimate
  int exit_code = 0;     ///< of the run, at the end

  friend auto operator<=>(const SearchTask&, const SearchTask&) = default;
};

/// A task with what came of it, as to_bytes() writes the part or the plan.
struct DoneTask {
  SearchTask task{};
  std::string result{};
};

/// @pre the task is not the end
DoneTask do_task(const SiteWork& work, const SearchTask& task);

std::string to_bytes(const SearchTask& task);
std::string to_bytes(const DoneTask& done);
/// @throws std::runtime_error if the bytes are none
SearchTask task_of_bytes(std::string_view bytes);
DoneTask done_of_bytes(std::string_view bytes);

}  // namespace foreshard
