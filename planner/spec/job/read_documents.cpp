#include "planner/spec/job/read_documents.hpp"

#include <array>

namespace foreshard {

namespace {

constexpr WholeNumber kLength{1, 1'000'000'000};

constexpr auto kDocumentsKeys = std::to_array<KeyInfo>({
    {"mean", "mean length in tokens"},
    {"sigma", "standard deviation of the logarithm of a length that is log-normal; 0: all are alike", "0"},
    {"lengths", "lengths in tokens that are equally likely, in place of mean and sigma"},
    {"drawn",
     "each document's length is drawn; if false, documents follow one another as lengths lists them, again "
     "and again from the start of every sequence",
     "true"},
    {"packed", "documents fill sequences from end to end; if false, each is padded to a sequence", "true"},
});

std::vector<double> as_lengths(const std::vector<std::int64_t>& lengths) {
  return {lengths.begin(), lengths.end()};
}

std::vector<double> read_lengths(const MapReader& map) {
  const auto mean = map.maybe("mean", kLength);
  const double sigma = map.optional("sigma", RealNumber{0.0, 4.0}, 0.0);
  if (!map.has("lengths")) {
    if (!map.has("mean")) map.complain_of_missing("mean");
    return log_normal_lengths(static_cast<double>(mean.value_or(1)), sigma);
  }
  for (const char* other : {"mean", "sigma"})
    if (map.has(other)) map.complain(other, "lengths says it already", "say one of them");
  return as_lengths(map.list("lengths", kLength));
}

}  // namespace

KeyTable documents_keys() { return kDocumentsKeys; }

std::optional<DocumentsSpec> read_documents(const MapReader& training) {
  const NodePtr node = training.value("documents");
  if (node == nullptr) return std::nullopt;
  DocumentsSpec documents;
  if (node->kind == YamlNode::Kind::list) {
    documents.lengths = as_lengths(training.list("documents", kLength));
  } else if (node->kind == YamlNode::Kind::map) {
    const std::optional<MapReader> map = training.child("documents", kDocumentsKeys);
    if (!map) return std::nullopt;
    documents.lengths = read_lengths(*map);
    documents.packed = map->optional("packed", Boolean{}, true);
    documents.drawn = map->optional("drawn", Boolean{}, true);
    if (!documents.drawn && map->has("sigma"))
      map->complain("drawn", "lengths that follow a distribution have no order",
                    "say lengths in place of sigma");
    if (!documents.drawn && !documents.packed)
      map->complain("drawn", "documents that are not packed are one to a sequence", "leave it out");
  } else {
    documents.lengths = as_lengths({training.optional("documents", kLength, 1)});
  }
  if (documents.lengths.empty()) return std::nullopt;
  return documents;
}

}  // namespace foreshard
