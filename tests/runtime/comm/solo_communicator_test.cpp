#include "runtime/comm/solo_communicator.hpp"

#include <cmath>
#include <vector>

#include "runtime/device/reference/reference_device.hpp"
#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

const DeviceMesh& mesh() {
  static const DeviceMesh made = [] {
    ParallelismSpec parallelism;
    parallelism.tp = 2;
    parallelism.pp = 2;
    parallelism.dp = 3;
    return DeviceMesh(parallelism);
  }();
  return made;
}

std::vector<double> numbers(const WireVector& buffer) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < buffer.size(); ++i) values.push_back(buffer.at(i));
  return values;
}

TEST_CASE("a solo rank has its position in every group of the mesh") {
  ReferenceDevice device;
  // tp innermost, then dp, pp: rank 9 = 1 + 2·(1 + 3·1).
  const SoloCommunicator communicator(mesh(), Rank(9), device);
  CHECK(communicator.group_size(GroupKind::tp) == 2);
  CHECK(communicator.group_rank(GroupKind::tp) == 1);
  CHECK(communicator.group_size(GroupKind::dp) == 3);
  CHECK(communicator.group_rank(GroupKind::dp) == 1);
  CHECK(communicator.group_rank(GroupKind::pp) == 1);
  CHECK(communicator.size() == 1);
}

TEST_CASE("a solo rank replaces what others would send by its own data") {
  ReferenceDevice device;
  SoloCommunicator communicator(mesh(), Rank(9), device);
  WireVector whole(DType::fp64, 5);
  WireVector share(DType::fp64, 2, [](std::int64_t i) { return 7.0 + static_cast<double>(i); });

  // The shares have 2, 2 and 1 elements.
  std::vector<Piece> pieces{{share.buffer(), whole.buffer()}};
  communicator.run({.kind = CollectiveKind::all_gather, .group = GroupKind::dp, .pieces = pieces});
  CHECK(numbers(whole) == std::vector<double>{7, 8, 7, 8, 7});

  for (std::int64_t i = 0; i < 5; ++i) whole.set(i, static_cast<double>(i));
  communicator.run(
      {.kind = CollectiveKind::all_gather, .group = GroupKind::dp, .in_place = true, .pieces = pieces});
  CHECK(numbers(whole) == std::vector<double>{2, 3, 2, 3, 2});

  for (std::int64_t i = 0; i < 5; ++i) whole.set(i, static_cast<double>(i));
  pieces = {{whole.buffer(), share.buffer()}};
  communicator.run(
      {.kind = CollectiveKind::reduce_scatter, .group = GroupKind::dp, .accumulate = true, .pieces = pieces});
  CHECK(numbers(share) == std::vector<double>{7 + 2, 8 + 3});
  CHECK_THROWS_AS(
      communicator.run({.kind = CollectiveKind::all_reduce, .group = GroupKind::dp, .pieces = pieces}),
      std::invalid_argument);
}

TEST_CASE("a transfer to a solo rank delivers numbers between −1 and 1") {
  ReferenceDevice device;
  SoloCommunicator communicator(mesh(), Rank(9), device);
  WireVector buffer(DType::fp64, 100, [](std::int64_t) { return std::nan(""); });
  communicator.wait(communicator.start({.is_send = false, .buffer = buffer.buffer()}));
  for (const double number : numbers(buffer)) CHECK(std::abs(number) <= 1.0);
}

}  // namespace
}  // namespace foreshard::test
