#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/options/numbers.hpp"

namespace foreshard::cli {

/// What stands between the commas of a list, none twice. @throws UsageError for an empty value
std::vector<std::string> split_list(const std::string& option, const std::string& list);

/// Whole numbers with commas between. A range stands for numbers of which each is twice the one before, which
/// is how degrees grow: 1-8 is 1,2,4,8, and 3-20 is 3,6,12. From 0 on it stands for every number: 0-3 is
/// 0,1,2,3. @throws UsageError
std::vector<std::int64_t> parse_whole_list(const std::string& option, const std::string& list,
                                           WholeBounds bounds);

/// Says of a list what a range in it means; for help texts.
inline constexpr const char* kRangeHelp =
    "1-8 stands for 1,2,4,8, each number twice the one before (from 0 on, 0-3 stands for 0,1,2,3)";

}  // namespace foreshard::cli
