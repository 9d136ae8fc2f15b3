#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace foreshard::cli {

/// Parsing of numbers on the command line. All options use these functions, so all refuse the same: nan, inf,
/// empty text, text after the number, and numbers out of range.

struct WholeBounds {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

/// A range of numbers that includes both ends.
struct Bounds {
  double least = 0.0;
  double most = 0.0;
};

/// Describes bounds for messages: "from 1 to 1,000,000".
std::string in_words(WholeBounds bounds);

/// Parses a whole number. @throws UsageError "--steps takes a whole number from 1 to 1,000,000, not 'x'"
std::int64_t parse_whole(std::string_view option, std::string_view text, WholeBounds bounds);

/// Parses a number. @param noun  what the number is, for messages: "a number of seconds"
/// @throws UsageError "--timeout takes a number of seconds from 1 to 1,000,000, not 'nan'"
double parse_number(std::string_view option, std::string_view text, Bounds bounds, std::string_view noun);

/// Parses a share: a percentage ("0.5%"), or a fraction below 1 without a percent sign ("0.005"). A number of
/// 1 or more without a percent sign is refused, because it is ambiguous.
/// @param bounds  as fractions
/// @throws UsageError "--tolerance takes a share from 0 to 100%, such as 10% or 0.1, not 'nan'"
double parse_share(std::string_view option, std::string_view text, Bounds bounds);

}  // namespace foreshard::cli
