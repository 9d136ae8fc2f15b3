#include "cli/options/offers.hpp"

#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace foreshard::cli {
namespace {

constexpr const char* kOfferValidator = "offer";

std::string accept(std::string& /*value*/) { return {}; }

/// The description of an option's validator of this name; empty without such a one.
std::string described(CLI::Option& option, const char* validator) {
  try {
    return option.get_validator(validator)->get_description();
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

}  // namespace

CLI::Validator offers(Offer what) { return CLI::Validator(accept, std::string(what.word), kOfferValidator); }

CLI::Validator offers(const std::vector<std::string>& words) {
  return CLI::Validator(accept, fmt::format("{}", fmt::join(words, " ")), kWordsValidator);
}

OfferedValues offered_values(CLI::Option& option) {
  OfferedValues values{.kind = described(option, kOfferValidator)};
  std::istringstream words(described(option, kWordsValidator));
  for (std::string word; words >> word;) values.words.push_back(word);
  return values;
}

}  // namespace foreshard::cli
