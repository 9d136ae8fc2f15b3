#include "cli/options/common_options.hpp"

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/options/target.hpp"

namespace foreshard::cli {

OptionSpec format_option(report::OutputFormat& format) {
  std::vector<std::string> words;
  std::string help;
  for (const report::FormatName& name : report::kOutputFormats) {
    if (!words.empty()) help += &name == &report::kOutputFormats.back() ? " or " : ", ";
    help += name.word;
    if (!name.remark.empty()) help += fmt::format(" ({})", name.remark);
    words.emplace_back(name.word);
  }
  help += fmt::format("; default {}", words.front());
  Target target = one_of(std::move(words), [&format](const std::string&, const std::string& word) {
    for (const report::FormatName& name : report::kOutputFormats) {
      if (name.word == word) format = name.format;
    }
  });
  return {.name = "--format", .value = "FORMAT", .help = std::move(help), .target = std::move(target)};
}

OptionSpec html_option(OutputChoice& choice) {
  return {.name = "--html",
          .value = "FILE",
          .help = "Also write the answer as a page with charts: one file, for any browser",
          .offer = Offer::files,
          .target = text(choice.html_file)};
}

OptionSpec color_option(ColorChoice& choice) {
  return {.name = "--color",
          .value = "WHEN",
          .help = "auto (on a terminal, unless NO_COLOR is set), always or never; default auto",
          .target = word(choice.when, {"auto", "always", "never"})};
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
