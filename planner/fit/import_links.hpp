#pragma once

#include <string>
#include <vector>

#include "planner/fit/fit_link.hpp"
#include "planner/fit/nccl_tests.hpp"
#include "planner/spec/types/cluster_spec.hpp"

namespace foreshard {

/// One size of a test beside the planner's own time of it.
struct ImportedSize {
  MeasuredLink measured;
  Seconds before;  ///< with the links of the cluster as it was
  Seconds after;   ///< with the fitted links
};

struct ImportedTest {
  LinkOperation operation = LinkOperation::all_reduce;
  std::int64_t ranks = 0;
  std::int64_t nodes = 0;
  std::vector<ImportedSize> sizes;
};

/// A cluster with links that reproduce measured collectives.
struct ImportedLinks {
  ClusterSpec cluster;
  std::vector<ImportedTest> tests;
  std::vector<std::string> remarks;  ///< what was not measured, and so stays
};

/// Fits the cluster's links to the tests: its link within a node to those on one node, its network to those on
/// several, with the (fitted) link inside. Where the switch reduces, all-reduces within a node give its rate, and
/// the other collectives the link. No bandwidth becomes more than the datasheet's. Efficiency becomes 1: a fitted bandwidth is what collectives reach.
/// @pre there is at least one test, each with sizes
ImportedLinks import_links(ClusterSpec cluster, const std::vector<NcclTest>& tests);

}  // namespace foreshard
