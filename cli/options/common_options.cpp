#include "cli/options/common_options.hpp"

#include <utility>

#include <fmt/format.h>

#include "cli/options/target.hpp"

namespace foreshard::cli {

OptionSpec format_option(std::string& format, std::vector<std::string> formats) {
  std::string others = " or json";
  if (formats.back() == "csv") others = ", json or csv";
  if (formats.back() == "csv-short") others = ", json, csv or csv-short (few columns)";
  return {.name = "--format",
          .value = "FORMAT",
          .help = fmt::format("table (for people){}; default table", others),
          .target = word(format, std::move(formats))};
}

OptionSpec set_option(std::vector<std::string>& settings, const std::string& whose) {
  return {.name = "--set",
          .value = "KEY=VALUE",
          .help = fmt::format("Replace one value of {}; may be repeated", whose),
          .offer = Offer::keys,
          .target = texts(settings)};
}

OptionSpec threads_option(int& threads) {
  return {.name = "--threads",
          .value = "N",
          .help = "Threads per rank; default its share of the cores",
          .target = whole_number(threads, {.least = 1, .most = 4096})};
}

OptionSpec timeout_option(double& seconds) {
  return {.name = "--timeout",
          .value = "SECONDS",
          .help = "Take an operation that lasts longer for a hang; default 60",
          .target = number(seconds, kTimeouts, "a number of seconds")};
}

}  // namespace foreshard::cli
