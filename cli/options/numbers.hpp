#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace foreshard::cli {

/// Numbers on the command line. All options read them here, so that all refuse the same: nan, inf, an empty
/// text, anything behind the number, and what is out of range.

struct WholeBounds {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// The ends belong to the range.
struct Bounds {
  double least = 0.0;
  double most = 0.0;
};

/// "from 1 to 1,000,000": for messages.
std::string in_words(WholeBounds bounds);

/// @throws UsageError "--steps takes a whole number from 1 to 1,000,000, not 'x'"
std::int64_t parse_whole(std::string_view option, std::string_view text, WholeBounds bounds);

/// @param noun  what the number is, for messages: "a number of seconds"
/// @throws UsageError "--timeout takes a number of seconds from 1 to 1,000,000, not 'nan'"
double parse_number(std::string_view option, std::string_view text, Bounds bounds, std::string_view noun);

/// A part of a whole: a percentage ("0.5%"), or a fraction below 1 without a sign ("0.005"). A number of 1 or
/// more without a sign is refused, because it may mean either.
/// @param bounds  as fractions
/// @throws UsageError "--tolerance takes a share from 0 to 100%, such as 10% or 0.1, not 'nan'"
double parse_share(std::string_view option, std::string_view text, Bounds bounds);

}  // namespace foreshard::cli
