#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "planner/fit/measured_link.hpp"
#include "planner/spec/yaml/complaints.hpp"

namespace foreshard {

/// One test of nccl-tests: an operation at several sizes, by one group of all ranks.
struct NcclTest {
  LinkOperation operation = LinkOperation::all_reduce;
  std::int64_t ranks = 0;
  std::int64_t nodes = 0;
  std::vector<MeasuredLink> sizes;  ///< out of place; each time is a mean, so its quartiles equal it
};

/// What stands in one output of nccl-tests.
struct NcclTestsOutput {
  std::vector<NcclTest> tests;
  std::vector<std::string> passed_over;  ///< names of tests of operations that no plan uses: "broadcast_perf"
};

/// Reads the text that a test of nccl-tests (or several, one after the other) printed. Ranks and hosts come from the
/// lines "#  Rank  0 Group  0 Pid 1 on host device  0 …", columns from the header above the sizes. The operation
/// is that of "# Collective test starting: all_reduce_perf"; versions before 2.17 do not print it: there, of the
/// file's name. sendrecv_perf, in which every rank sends and receives, is read as transfers.
/// Complains of a test without ranks, operation, columns or sizes, and of lines that are not numbers.
/// Source: NVIDIA/nccl-tests src/util.cu, 2.19.
NcclTestsOutput read_nccl_tests(const std::string& text, const std::string& name, Complaints& complaints);

}  // namespace foreshard
