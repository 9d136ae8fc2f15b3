#include "cli/options/option.hpp"

#include <array>

namespace foreshard::cli {

std::string_view word_for(Offer offer) {
  constexpr std::array<std::string_view, 7> kWords{"",         "files",   "jobs", "clusters",
                                                   "measured", "configs", "keys"};
  return kWords.at(static_cast<std::size_t>(offer));
}

void finish_tool(ToolSpec& tool, const std::vector<OptionSpec>& common) {
  const OptionSpec help{.name = "--help", .short_name = "-h", .help = "Print this help"};
  for (CommandSpec& command : tool.commands) {
    command.options.insert(command.options.begin(), help);
    command.options.insert(command.options.end(), common.begin(), common.end());
  }
  tool.options = {help, {.name = "--version", .help = "Print the version"}};
}

}  // namespace foreshard::cli
