#pragma once

#include <vector>

#include "planner/cost/ops/cost_model.hpp"
#include "planner/program/ops/op.hpp"
#include "planner/program/step_program.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// One operation of a block as the host sees it. A host point starts no earlier than the host has issued it;
/// `host` is the host's time for it and for the operations since the point before.
struct HostPoint {
  bool is_point = false;
  Seconds host;
};

/// The host points of a block. They are its communications, its first kernel, and in each row of kernels
/// between communications the last one: kernels follow each other on one lane, so a row of kernels ends no
/// earlier than its last kernel can be issued. After an operation that stops the host (Op::host_awaits), the
/// next kernel is a point, too, because the launch queue is empty then. Without host time nothing is a point.
/// Example with 10 us for each: kernels A B C, an all-reduce D, a kernel E. Points: A (10 us), C (20 us), D
/// (10 us), E (10 us).
std::vector<HostPoint> host_points(const Block& block, const std::vector<OpTime>& times);

/// Adds the host time of launching a graph to the first operation of each row of captured operations.
void add_graph_launches(const Block& block, const HostModel& host, std::vector<OpTime>& times);

}  // namespace foreshard
