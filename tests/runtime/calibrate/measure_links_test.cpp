#include "runtime/calibrate/measure_links.hpp"

#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/mpi_test.hpp"

namespace foreshard::test {
namespace {

using Hosts = std::vector<std::string>;

TEST_CASE("an uneven distribution of ranks over hosts is refused with the reason") {
  CHECK_FALSE(host_layout_complaint(Hosts{"a"}));
  CHECK_FALSE(host_layout_complaint(Hosts{"a", "a", "b", "b"}));
  const HostLayout layout = host_layout(Hosts{"a", "a", "a", "b", "b", "b"});
  CHECK(layout.hosts == 2);
  CHECK(layout.ranks_per_host == 3);
  CHECK(host_layout_complaint(Hosts{"a", "a", "b"}) ==
        "host a has 2 ranks and host b has 1; a cluster has the same number on every node");
  CHECK(host_layout_complaint(Hosts{"a", "b", "a", "b"}) ==
        "the ranks of host a are not neighbours; start them with mpirun --map-by slot");
}

TEST_CASE("links are measured between all ranks of the run") {
  const std::int64_t n = mpi_session().size();
  int told = 0;
  CpuDevice device(1);
  const LinkEnds ends{.device = device, .connect = [](const DeviceMesh& mesh) {
                        return std::make_unique<MpiCommunicator>(mpi_session(), mesh);
                      }};
  const LinkMeasurements measured =
      measure_links(mpi_session(), ends, {.each = Seconds(1e-3)}, [&](int done, int of) {
        ++told;
        CHECK(done <= of);
      });
  CHECK(measured.network.empty());  // tests run on one host
  if (n == 1) {
    CHECK(measured.in_node.empty());
    return;
  }
  CHECK(told == static_cast<int>(measured.in_node.size()));
  bool transfers = false;
  for (const MeasuredLink& link : measured.in_node) {
    CHECK(link.time.ranks == n);
    CHECK(link.time.median > Seconds());
    transfers = transfers || link.operation == LinkOperation::transfer;
  }
  CHECK(transfers);
}

}  // namespace
}  // namespace foreshard::test
