#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/options/numbers.hpp"

namespace foreshard::cli {

/// Splits a list at its commas. @throws UsageError for an empty value, or one that occurs twice
std::vector<std::string> split_list(const std::string& option, const std::string& list);

/// Parses whole numbers separated by commas. In a range each number is twice the one before, as is usual for
/// degrees of parallelism: 1-8 is 1,2,4,8, and 3-20 is 3,6,12. A range from 0 contains every number: 0-3 is
/// 0,1,2,3.
/// @throws UsageError for anything else, or a number out of bounds
std::vector<std::int64_t> parse_whole_list(const std::string& option, const std::string& list,
                                           WholeBounds bounds);

/// Explains ranges in lists; for help texts.
inline constexpr const char* kRangeHelp =
    "1-8 stands for 1,2,4,8, each number twice the one before (from 0 on, 0-3 stands for 0,1,2,3)";

}  // namespace foreshard::cli
