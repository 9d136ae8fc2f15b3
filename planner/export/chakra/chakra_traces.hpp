#pragma once

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "planner/program/step_program.hpp"
#include "planner/spec/types/job_spec.hpp"
#include "planner/topology/device_mesh.hpp"
#include "planner/units/strong_index.hpp"

namespace foreshard {

/// A step as execution traces of MLCommons Chakra, one for each rank: a graph of computations, collectives and
/// transfers with their dependencies, which ASTRA-sim plays on a network of its own. Schema:
/// github.com/mlcommons/chakra, schema/protobuf/et_def.proto; attributes as ASTRA-sim's feeder reads them.
///
/// A computation has the planner's time (whole microseconds, the unit of the schema; rounding does not add up), its
/// FLOPs (num_ops) and its bytes of memory traffic (tensor_size). A communication has its size alone. What depends on
/// parts of an operation (chunks that overlap a product, copies of tokens within a node) depends on the whole of it.
class ChakraTraces {
 public:
  /// @throws ResultError if the traces would have more nodes than kMostNodes
  explicit ChakraTraces(const JobSpec& job);

  static constexpr std::int64_t kMostNodes = 20'000'000;  ///< over all ranks: a few gigabytes

  [[nodiscard]] std::int64_t ranks() const { return mesh_.devices(); }
  [[nodiscard]] std::int64_t nodes(Rank rank) const;
  /// Writes the trace of one rank: the metadata and then the nodes, each after its length.
  void write(Rank rank, std::ostream& out) const;
  /// The communicator groups, as ASTRA-sim's --comm-group-configuration reads them: {"1": [0, 1], …}.
  [[nodiscard]] std::string groups_json() const;

 private:
  /// What is the same on all ranks of a stage.
  struct Node {
    const Op* op = nullptr;
    std::string name;
    std::vector<std::uint64_t> awaited;  ///< ids of nodes, which count from 0 in program order
    std::uint64_t microseconds = 0;
    std::uint64_t flops = 0;
    std::uint64_t traffic = 0;
    std::uint64_t tag = 0;  ///< of a transfer: the same at both ends
  };
  using GroupOfRank = std::pair<GroupKind, Rank>;  ///< a group, by its first member

  void check_size() const;
  void build_nodes(const JobSpec& job);
  void number_groups();
  [[nodiscard]] Rank neighbour(Rank rank, bool is_next) const;

  StepProgram program_;
  DeviceMesh mesh_;
  std::vector<std::vector<Node>> stages_;
  std::map<GroupOfRank, std::uint64_t> group_ids_;
};

}  // namespace foreshard
