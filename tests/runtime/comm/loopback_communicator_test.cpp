#include "runtime/comm/loopback_communicator.hpp"

#include <vector>

#include "tests/runtime/comm/test_buffers.hpp"
#include "tests/support/catch.hpp"

namespace foreshard::test {
namespace {

TEST_CASE("with one rank, collectives copy what is sent to what is received") {
  for (const DType wire : {DType::fp32, DType::fp64}) {
    LoopbackCommunicator communicator;
    for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                      CollectiveKind::reduce_scatter, CollectiveKind::all_to_all}) {
      WireVector send(wire, 3, [](std::int64_t i) { return 10.0 + static_cast<double>(i); });
      WireVector receive(wire, 3);
      const std::vector<Piece> pieces{{.send = send.buffer(), .receive = receive.buffer()}};
      communicator.run({.kind = kind, .group = GroupKind::world, .pieces = pieces});
      for (std::int64_t i = 0; i < 3; ++i) CHECK(receive.at(i) == 10.0 + static_cast<double>(i));
    }
  }
}

TEST_CASE("with one rank, a reduce-scatter that accumulates adds") {
  LoopbackCommunicator communicator;
  WireVector send(DType::fp64, 2, [](std::int64_t i) { return static_cast<double>(i); });
  WireVector receive(DType::fp64, 2, [](std::int64_t) { return 5.0; });
  const std::vector<Piece> pieces{{.send = send.buffer(), .receive = receive.buffer()}};
  communicator.run({.kind = CollectiveKind::reduce_scatter, .accumulate = true, .pieces = pieces});
  CHECK(receive.at(0) == 5.0);
  CHECK(receive.at(1) == 6.0);
}

TEST_CASE("with one rank, sums over the world are the number itself and transfers throw") {
  LoopbackCommunicator communicator;
  CHECK(communicator.size() == 1);
  CHECK(communicator.group_size(GroupKind::dp) == 1);
  CHECK(communicator.sum_over_world(2.5) == 2.5);
  CHECK(communicator.max_over_world(2.5) == 2.5);
  CHECK_THROWS_AS(communicator.start({}), std::logic_error);
}

}  // namespace
}  // namespace foreshard::test
