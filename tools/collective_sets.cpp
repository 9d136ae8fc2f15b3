#include "tools/collective_sets.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>

#include "planner/spec/load/load.hpp"
#include "planner/units/parse_quantity.hpp"
#include "tools/csv_table.hpp"

namespace foreshard::tools {

namespace {

template <class Value>
struct Word {
  std::string_view word;
  Value value;
};
constexpr auto kKinds = std::to_array<Word<CollectiveKind>>({
    {"all_reduce", CollectiveKind::all_reduce},
    {"all_gather", CollectiveKind::all_gather},
    {"reduce_scatter", CollectiveKind::reduce_scatter},
    {"all_to_all", CollectiveKind::all_to_all},
});
constexpr auto kForced = std::to_array<Word<CollectiveAlgorithm>>({
    {"ring", CollectiveAlgorithm::ring},
    {"nvls-tree", CollectiveAlgorithm::nvls_tree},
});

/// The value that a word stands for; none for `no_value`.
template <class Words>
auto value_of(const Words& words, std::string_view word, std::string_view no_value)
    -> std::optional<decltype(words.front().value)> {
  if (word == no_value) return std::nullopt;
  for (const auto& known : words)
    if (known.word == word) return known.value;
  throw std::runtime_error(fmt::format("collectives_measured.csv: unknown word \"{}\"", word));
}

template <class Q>
Q quantity(const std::string& text) {
  const auto outcome = parse_quantity<Q>(text);
  if (const Q* value = std::get_if<Q>(&outcome)) return *value;
  throw std::runtime_error(fmt::format("collectives_sets.csv: \"{}\" is no quantity", text));
}

CollectiveSet read_set(const CsvTable& table, std::size_t row) {
  CollectiveSet set;
  set.name = table.text(row, "set");
  set.what = table.text(row, "what");
  set.cluster = load_cluster(table.text(row, "cluster"));
  LinkSpec& network = set.cluster.network.link;
  if (const std::string& text = table.text(row, "bandwidth_per_device"); !text.empty())
    network.bandwidth = quantity<BytesPerSecond>(text);
  if (const std::string& text = table.text(row, "latency"); !text.empty())
    network.latency = quantity<Seconds>(text);
  if (const std::string& text = table.text(row, "fixed"); !text.empty() && set.cluster.nccl) {
    set.cluster.nccl->fixed = quantity<Seconds>(text);
    set.has_own_fixed = true;
  }
  set.fitted = table.text(row, "fitted") == "yes";
  set.mean_error_at_most = table.number(row, "mean_error_at_most");
  return set;
}

CollectiveSample read_sample(const CsvTable& table, std::size_t row) {
  const auto whole = [&](std::string_view column) {
    return static_cast<std::int64_t>(table.number(row, column));
  };
  return {.kind = value_of(kKinds, table.text(row, "collective"), "transfer"),
          .span = {.per_node = whole("per_node"), .nodes = whole("nodes")},
          .payload = Bytes(whole("bytes")),
          .measured = Seconds(table.number(row, "time_us") * 1e-6),
          .forced = value_of(kForced, table.text(row, "algorithm"), "")};
}

double relative_error(const CollectiveSet& set, const CollectiveSample& sample) {
  return predict(set.cluster, sample).time / sample.measured - 1.0;
}

}  // namespace

std::vector<CollectiveSet> load_collective_sets(const std::filesystem::path& configs) {
  const CsvTable described = CsvTable::read(configs / "physics" / "collectives_sets.csv");
  std::vector<CollectiveSet> sets;
  for (std::size_t row = 0; row < described.rows(); ++row) sets.push_back(read_set(described, row));
  for (const char* const file : {"collectives_measured.csv", "collectives_serving.csv"}) {
    const CsvTable measured = CsvTable::read(configs / "physics" / file);
    for (std::size_t row = 0; row < measured.rows(); ++row) {
      const std::string& name = measured.text(row, "set");
      const auto set =
          std::find_if(sets.begin(), sets.end(), [&](const CollectiveSet& s) { return s.name == name; });
      if (set == sets.end())
        throw std::runtime_error(fmt::format("collectives_sets.csv does not describe {}", name));
      set->samples.push_back(read_sample(measured, row));
    }
  }
  return sets;
}

CollectivePrediction predict(const ClusterSpec& cluster, const CollectiveSample& sample) {
  const GroupLinks links = links_of(sample.span, cluster);
  if (!sample.kind) {
    const AlgorithmCost way = transfer_cost(links);
    return {way.time(sample.payload), way.choice};
  }
  AlgorithmCosts allowed;
  const AlgorithmCosts every = algorithm_costs(*sample.kind, links);
  for (const AlgorithmCost& way : every.all())
    if (!sample.forced || way.choice.algorithm == *sample.forced) allowed.add(way);
  const AlgorithmCost& way = allowed.fastest(sample.payload);
  return {way.time(sample.payload), way.choice};
}

double mean_error(const CollectiveSet& set, Bytes from) {
  double sum = 0.0;
  double count = 0.0;
  for (const CollectiveSample& sample : set.samples) {
    if (sample.payload < from) continue;
    sum += std::abs(relative_error(set, sample));
    count += 1.0;
  }
  return count == 0.0 ? 0.0 : sum / count;
}

double bias(const CollectiveSet& set) {
  double sum = 0.0;
  for (const CollectiveSample& sample : set.samples) sum += relative_error(set, sample);
  return set.samples.empty() ? 0.0 : sum / static_cast<double>(set.samples.size());
}

}  // namespace foreshard::tools
