#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace foreshard::cli {

/// What a shell offers in the place of a value, by the word that the completion scripts have for it.
struct Offer {
  std::string_view word;
};
inline constexpr Offer kOfferFiles{"files"};
inline constexpr Offer kOfferJobs{"jobs"};          ///< bundled names, and files
inline constexpr Offer kOfferClusters{"clusters"};  ///< likewise
inline constexpr Offer kOfferMeasured{"measured"};  ///< likewise
inline constexpr Offer kOfferConfigs{"configs"};    ///< the names of all kinds
inline constexpr Offer kOfferKeys{"keys"};          ///< of a job, as --set takes them

/// Declares what a shell offers for an option or an argument; refuses no value.
CLI::Validator offers(Offer what);
/// The same for words, where several may be joined by commas.
CLI::Validator offers(const std::vector<std::string>& words);

/// The name of the validator whose description holds the words that a value may be, blanks between.
inline constexpr const char* kWordsValidator = "words";

/// What was declared by offers() or one_of().
struct OfferedValues {
  std::string kind{};  ///< the word of an Offer; may be empty
  std::vector<std::string> words{};
};
OfferedValues offered_values(CLI::Option& option);

}  // namespace foreshard::cli
