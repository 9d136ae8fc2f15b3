#include "planner/spec/model/read_mtp.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <fmt/ranges.h>

namespace foreshard {

namespace {

constexpr auto kMtpKeys = std::to_array<KeyInfo>({
    {"layers", "modules, each of which predicts one token further ahead"},
    {"pattern", "the kinds of the layers of one module; unsaid, one layer of the kind of the last layer"},
});

}  // namespace

KeyTable mtp_keys() { return kMtpKeys; }

void read_mtp(const MapReader& map, ModelSpec& model) {
  const std::optional<MapReader> reader = map.child("mtp", kMtpKeys);
  if (!reader) return;
  model.mtp = MtpSpec{.modules = reader->required("layers", WholeNumber{1, 100})};
  if (!reader->has("pattern")) return;
  std::vector<std::string> known;
  for (const LayerKind& kind : model.layer_kinds) known.push_back(kind.name);
  if (known.empty()) {
    reader->complain("pattern", "there are no kinds of layers", "model.layer_kinds says what each kind is");
    return;
  }
  for (const std::string& name : reader->list("pattern", Text{})) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end())
      reader->complain("pattern", fmt::format("no kind is called '{}'", name),
                       fmt::format("allowed here: {}", fmt::join(known, ", ")));
    else
      model.mtp->pattern.push_back(static_cast<std::size_t>(found - known.begin()));
  }
}

}  // namespace foreshard
