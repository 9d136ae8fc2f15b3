#include "runtime/measure/measure_link.hpp"

#include <bit>

#include "runtime/comm/counting_communicator.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

// The measured times themselves cannot be tested. The tests check that they are positive, that they are the
// same on all ranks, and how they are measured.

namespace foreshard::test {
namespace {

const LinkBudget kShort{
    .time = Seconds(0.02), .fewest_samples = 3, .most_samples = 10, .sample = Seconds(1e-4)};

Device& host_memory() {
  static CpuDevice device;
  return device;
}

void check_time(const LinkTime& time, std::int64_t ranks) {
  CHECK(time.ranks == ranks);
  CHECK(time.samples >= 3);
  CHECK(time.samples <= 10);
  CHECK(time.lower_quartile > Seconds(0.0));
  CHECK(time.lower_quartile <= time.median);
  CHECK(time.median <= time.upper_quartile);
  // All ranks get the same: the times of the slowest rank.
  const auto bits = std::bit_cast<std::uint64_t>(time.median.value());
  for (const std::uint64_t other : mpi_session().gather(bits)) CHECK(other == bits);
}

TEST_CASE("collectives are measured over any group and size") {
  const std::int64_t n = mpi_session().size();
  MpiCommunicator communicator(mpi_session(), mesh_of({.tp = n}));
  for (const LinkOperation operation : {LinkOperation::all_reduce, LinkOperation::all_gather,
                                        LinkOperation::reduce_scatter, LinkOperation::all_to_all}) {
    for (const std::int64_t payload : {1, 100, 400'000}) {
      check_time(measure_link(host_memory(), communicator, GroupKind::tp, operation, Bytes(payload), kShort),
                 n);
    }
  }
}

TEST_CASE("transfers are measured between stages") {
  const std::int64_t n = mpi_session().size();
  MpiCommunicator communicator(mpi_session(), mesh_of({.pp = n}));
  for (const LinkOperation operation : {LinkOperation::transfer, LinkOperation::exchange}) {
    if (n == 1) {
      CHECK_THROWS_WITH(measure_link(host_memory(), communicator, GroupKind::pp, operation, Bytes(4), kShort),
                        ContainsSubstring("at least two stages"));
    } else {
      check_time(measure_link(host_memory(), communicator, GroupKind::tp, operation, Bytes(400'000), kShort),
                 n);
    }
  }
}

TEST_CASE("the measured operations have the stated payload") {
  const std::int64_t n = mpi_session().size();
  MpiCommunicator inner(mpi_session(), mesh_of({.tp = n}));
  CountingCommunicator communicator(inner);
  measure_link(host_memory(), communicator, GroupKind::tp, LinkOperation::reduce_scatter, Bytes(4000),
               kShort);
  const Traffic& traffic = communicator.traffic().of(GroupKind::tp);
  // 4000 bytes are 1000 elements, which 1, 2 and 4 ranks share evenly.
  CHECK(traffic.payload == Bytes(4000) * traffic.calls);
  // The warm-up, the trial run, and at least three samples.
  CHECK(traffic.calls >= 5);
}

}  // namespace
}  // namespace foreshard::test
