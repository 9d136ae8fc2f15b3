#include "planner/spec/library/refused_names.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace foreshard {

namespace {

struct Refused {
  std::string_view part;  ///< of a name, in lower case
  std::string_view why;
};

constexpr std::string_view kTpu =
    "a TPU runs a step as one program that XLA compiles, with collectives of its own over a torus; "
    "foreshard's step program is of kernels that a host launches on GPUs, so figures for a TPU would be "
    "guesses";
constexpr std::string_view kTrainium =
    "Trainium runs graphs that Neuron compiles, with collectives on engines of their own; foreshard's step "
    "program is of kernels that a host launches on GPUs, so figures for Trainium would be guesses";
constexpr std::string_view kGaudi =
    "Gaudi runs graphs whose products and passes its compiler overlaps on separate engines; foreshard's step "
    "program runs one kernel after another, so figures for Gaudi would be guesses";
constexpr std::string_view kAscend =
    "no kernels of Ascend are measured in public in a form that its constants could be fitted to";
constexpr std::string_view kDataflow =
    "it streams layers through one large chip instead of launching kernels; foreshard's step program does "
    "not "
    "describe that";

constexpr Refused kRefused[] = {
    {"tpu", kTpu},           {"trillium", kTpu},  {"ironwood", kTpu},  {"trainium", kTrainium},
    {"trn1", kTrainium},     {"trn2", kTrainium}, {"trn3", kTrainium}, {"inferentia", kTrainium},
    {"gaudi", kGaudi},       {"ascend", kAscend}, {"910b", kAscend},   {"910c", kAscend},
    {"cerebras", kDataflow}, {"wse-", kDataflow}, {"groq", kDataflow}, {"sambanova", kDataflow}};

}  // namespace

std::optional<std::string> why_refused(ConfigKind kind, const std::string& name) {
  if (kind != ConfigKind::accelerators && kind != ConfigKind::clusters) return std::nullopt;
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Refused& refused : kRefused)
    if (lower.find(refused.part) != std::string::npos) return std::string(refused.why);
  return std::nullopt;
}

}  // namespace foreshard
