#include "planner/fit/import_links.hpp"

#include <utility>

namespace foreshard {
namespace {

class LinkImport {
 public:
  LinkImport(ClusterSpec cluster, const std::vector<NcclTest>& tests) : before_(cluster), tests_(tests) {
    result_.cluster = std::move(cluster);
  }

  ImportedLinks run() {
    fit_node();
    fit_network();
    for (const NcclTest& test : tests_) result_.tests.push_back(beside(test));
    return std::move(result_);
  }

 private:
  /// How a group of the test's ranks lies on a cluster.
  static LinkPlace place_on(const ClusterSpec& cluster, std::int64_t ranks, std::int64_t nodes) {
    LinkPlace place{.fabric = cluster.fabric, .nccl = cluster.nccl};
    if (nodes == 1) return place;
    place.across_nodes = true;
    place.per_node = ranks / nodes;
    if (place.per_node > 1) place.inside = cluster.link;
    return place;
  }
  static const LinkSpec& link_of(const ClusterSpec& cluster, std::int64_t nodes) {
    return nodes == 1 ? cluster.link : cluster.network.link;
  }

  void fit_node() {
    ClusterSpec& cluster = result_.cluster;
    const bool reduces = cluster.nccl && cluster.nccl->nvls_bandwidth > BytesPerSecond();
    std::vector<MeasuredLink> by_switch;
    std::vector<MeasuredLink> by_link;
    for (const NcclTest& test : tests_) {
      if (test.nodes != 1) continue;
      const bool is_reduced = reduces && test.operation == LinkOperation::all_reduce;
      std::vector<MeasuredLink>& chosen = is_reduced ? by_switch : by_link;
      chosen.insert(chosen.end(), test.sizes.begin(), test.sizes.end());
    }
    LinkPlace place = place_on(cluster, 0, 1);
    place.nominal = cluster.link;
    std::vector<MeasuredLink> all = by_link;
    all.insert(all.end(), by_switch.begin(), by_switch.end());
    // Small all-reduces tell of the link's latency, and large ones of the switch: fit one after the other, twice.
    for (int round = 0; round < 2; ++round) {
      place.nccl = cluster.nccl;
      if (!by_link.empty()) cluster.link = fit_link(all, place).link;
      if (!by_switch.empty()) cluster.nccl->nvls_bandwidth = fit_nvls(by_switch, cluster.link, place);
    }
    if (by_link.empty())
      result_.remarks.emplace_back(by_switch.empty()
                                       ? "no test ran within one node: its link stays"
                                       : "within a node, only all-reduces were measured, which the switch "
                                         "reduces: the link stays");
    if (by_switch.empty() && reduces)
      result_.remarks.emplace_back("no all-reduce was measured within a node: the switch's rate stays");
  }

  void fit_network() {
    ClusterSpec& cluster = result_.cluster;
    std::vector<MeasuredLink> measured;
    std::optional<LinkPlace> place;
    for (const NcclTest& test : tests_) {
      if (test.nodes == 1) continue;
      const LinkPlace here = place_on(cluster, test.ranks, test.nodes);
      if (place && here.per_node != place->per_node) {
        result_.remarks.emplace_back(
            "the network is fitted to the first tests' ranks per node; others are compared");
        continue;
      }
      place = here;
      measured.insert(measured.end(), test.sizes.begin(), test.sizes.end());
    }
    if (!place) {
      result_.remarks.emplace_back("no test ran over several nodes: the network stays");
      return;
    }
    place->nominal = cluster.network.link;
    cluster.network.link = fit_link(measured, *place).link;
  }

  [[nodiscard]] ImportedTest beside(const NcclTest& test) const {
    ImportedTest imported{.operation = test.operation, .ranks = test.ranks, .nodes = test.nodes, .sizes = {}};
    const auto time_on = [&](const ClusterSpec& cluster, const MeasuredLink& size) {
      return predicted(size, link_of(cluster, test.nodes), place_on(cluster, test.ranks, test.nodes));
    };
    for (const MeasuredLink& size : test.sizes)
      imported.sizes.push_back({size, time_on(before_, size), time_on(result_.cluster, size)});
    return imported;
  }

  ClusterSpec before_;
  const std::vector<NcclTest>& tests_;
  ImportedLinks result_;
};

}  // namespace

ImportedLinks import_links(ClusterSpec cluster, const std::vector<NcclTest>& tests) {
  return LinkImport(std::move(cluster), tests).run();
}

}  // namespace foreshard
