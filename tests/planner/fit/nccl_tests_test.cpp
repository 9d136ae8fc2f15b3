#include "planner/fit/nccl_tests.hpp"

#include <string>

#include <fmt/format.h>

#include "planner/fit/import_links.hpp"
#include "planner/spec/yaml/diagnostic.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {

/// What all_reduce_perf of nccl-tests 2.19 prints on two GPUs of one host.
constexpr const char* kAllReduce =
    "# nccl-tests version 2.19.6 nccl-headers=23007 nccl-library=23007\n"
    "# Collective test starting: all_reduce_perf\n"
    "# nThread 1 nGpus 2 minBytes 1048576 maxBytes 4194304 step: 4(factor) warmup iters: 1 iters: 20\n"
    "#\n"
    "# Using devices\n"
    "#  Rank  0 Group  0 Pid   5007 on      node-7 device  0 [0000:07:00] NVIDIA H100 80GB HBM3\n"
    "#  Rank  1 Group  0 Pid   5007 on      node-7 device  1 [0000:0b:00] NVIDIA H100 80GB HBM3\n"
    "#\n"
    "#                                                              out-of-place                       "
    "in-place\n"
    "#       size         count      type   redop    root     time   algbw   busbw  #wrong     time   algbw  "
    " busbw  "
    "#wrong\n"
    "#        (B)    (elements)                               (us)  (GB/s)  (GB/s)             (us)  (GB/s)  "
    "(GB/s)\n"
    "     1048576        262144     float     sum      -1    25.50   41.12   41.12       0    25.40   41.28  "
    " 41.28  "
    "     0\n"
    "     4194304       1048576     float     sum      -1    60.00   69.91   69.91       0    60.10   69.79  "
    " 69.79  "
    "     0\n"
    "# Out of bounds values : 0 OK\n"
    "# Avg bus bandwidth    : 55.5\n"
    "#\n";

std::string complaint_of(const std::string& text, const std::string& name = "perf.txt") {
  Complaints complaints;
  read_nccl_tests(text, name, complaints);
  try {
    complaints.throw_if_any();
  } catch (const SpecError& error) {
    return format_diagnostics(error.diagnostics());
  }
  return {};
}

NcclTestsOutput read(const std::string& text, const std::string& name = "perf.txt") {
  Complaints complaints;
  NcclTestsOutput output = read_nccl_tests(text, name, complaints);
  complaints.throw_if_any();
  return output;
}

/// A test of `ranks` on `nodes` whose times are those of a link of 50 GB/s and 20 µs without NCCL: a ring of n takes
/// n − 1 steps of latency + S/n/bandwidth for an all-gather.
std::string all_gather(std::int64_t ranks, std::int64_t nodes, double bandwidth, double latency) {
  std::string text = "# Collective test starting: all_gather_perf\n# nThread 1 nGpus 1\n";
  for (std::int64_t rank = 0; rank < ranks; ++rank)
    text += fmt::format("#  Rank {} Group 0 Pid 1 on host{} device 0 [0] GPU\n", rank, rank * nodes / ranks);
  text += "#  size count type redop root time algbw busbw #wrong time algbw busbw #wrong\n";
  const auto n = static_cast<double>(ranks);
  for (const double size : {65536.0, 1048576.0, 16777216.0, 268435456.0}) {
    const double time = (n - 1.0) * (latency + size / n / bandwidth);
    text += fmt::format(" {:.0f} 1 float none -1 {:.4f} 1 1 0 {:.4f} 1 1 0\n", size, time * 1e6, time * 1e6);
  }
  return text;
}

}  // namespace

TEST_CASE("a test of nccl-tests is read with its ranks, hosts and sizes") {
  const NcclTestsOutput output = read(kAllReduce);
  REQUIRE(output.tests.size() == 1);
  const NcclTest& test = output.tests.front();
  CHECK(test.operation == LinkOperation::all_reduce);
  CHECK(test.ranks == 2);
  CHECK(test.nodes == 1);
  REQUIRE(test.sizes.size() == 2);
  CHECK(test.sizes[0].payload == Bytes(1 << 20));
  CHECK(test.sizes[0].time.median.value() == Approx(25.5e-6));
  CHECK(test.sizes[1].time.ranks == 2);
  // 2·(2 − 1)/2 of 4 MiB in 60 µs: what the tool printed as bus bandwidth.
  CHECK(bus_bandwidth(test.sizes[1], test.sizes[1].time.median).value() == Approx(69.91e9).epsilon(1e-4));
}

TEST_CASE("several tests in one output, and tests of operations that no plan uses") {
  std::string broadcast = kAllReduce;
  broadcast.replace(broadcast.find("all_reduce_perf"), 15, "broadcast_perf");
  const NcclTestsOutput output = read(kAllReduce + broadcast + all_gather(4, 2, 50e9, 20e-6));
  REQUIRE(output.tests.size() == 2);
  CHECK(output.tests[1].operation == LinkOperation::all_gather);
  CHECK(output.tests[1].nodes == 2);
  CHECK(output.passed_over == std::vector<std::string>{"broadcast"});
}

TEST_CASE("an old output is named by its file") {
  std::string text = kAllReduce;
  const std::size_t line = text.find("# Collective test");
  text.erase(line, text.find('\n', line) - line + 1);
  CHECK(read(text, "runs/reduce_scatter_8.log").tests.front().operation == LinkOperation::reduce_scatter);
  CHECK_THAT(complaint_of(text), ContainsSubstring("which operation was measured is not said"));
}

TEST_CASE("wrong outputs are refused") {
  CHECK_THAT(complaint_of("hello\n"), ContainsSubstring("there is no test of nccl-tests in it"));
  std::string text = kAllReduce;
  text.replace(text.find("25.50"), 5, "fast ");
  CHECK_THAT(complaint_of(text),
             ContainsSubstring("perf.txt:12:1: error: expected a size in bytes and a time"));
  std::string alone = kAllReduce;
  const std::size_t second = alone.find("#  Rank  1");
  alone.erase(second, alone.find('\n', second) - second + 1);
  CHECK_THAT(complaint_of(alone), ContainsSubstring("the test lists 1 ranks"));
}

TEST_CASE("links are fitted to tests within a node and over nodes") {
  // Plain rings: the cluster has no NCCL constants, so the model is the ring of the test's own formula.
  ClusterSpec cluster = round_cluster(2);
  cluster.link.bandwidth = BytesPerSecond(150e9);
  cluster.network.link.bandwidth = BytesPerSecond(50e9);
  const std::string text = all_gather(8, 1, 120e9, 3e-6) + all_gather(4, 4, 40e9, 15e-6);
  const ImportedLinks imported = import_links(cluster, read(text).tests);
  CHECK(imported.cluster.link.bandwidth.value() == Approx(120e9).epsilon(0.01));
  CHECK(imported.cluster.link.latency.value() == Approx(3e-6).epsilon(0.01));
  CHECK(imported.cluster.link.efficiency == 1.0);
  CHECK(imported.cluster.network.link.bandwidth.value() == Approx(40e9).epsilon(0.01));
  CHECK(imported.remarks.empty());
  REQUIRE(imported.tests.size() == 2);
  for (const ImportedTest& test : imported.tests) {
    for (const ImportedSize& size : test.sizes)
      CHECK(size.after.value() == Approx(size.measured.time.median.value()).epsilon(0.01));
  }
  // Before: 150 GB/s, no latency: 7/8 of 256 MiB at 150 GB/s.
  CHECK(imported.tests[0].sizes[3].before.value() == Approx(7.0 / 8.0 * 268435456.0 / 150e9));
}

TEST_CASE("what was not measured stays, and is said") {
  ClusterSpec cluster = round_cluster(2);
  const ImportedLinks imported = import_links(cluster, read(all_gather(8, 1, 120e9, 3e-6)).tests);
  CHECK(imported.cluster.network.link.bandwidth == cluster.network.link.bandwidth);
  REQUIRE(imported.remarks.size() == 1);
  CHECK(imported.remarks[0] == "no test ran over several nodes: the network stays");
}

TEST_CASE("all-reduces within a node give the rate of a switch that reduces") {
  ClusterSpec cluster = round_cluster(1);
  cluster.nccl =
      NcclSpec{.generation = NcclGeneration::hopper, .nvls_bandwidth = BytesPerSecond(200e9), .fixed = {}};
  ClusterSpec real = cluster;
  real.nccl->nvls_bandwidth = BytesPerSecond(300e9);
  std::vector<MeasuredLink> sizes;
  for (const std::int64_t size : {std::int64_t{1} << 28, std::int64_t{1} << 30, std::int64_t{1} << 32}) {
    MeasuredLink each{.operation = LinkOperation::all_reduce, .payload = Bytes(size), .time = {.ranks = 8}};
    each.time.median = predicted(each, real.link, {.fabric = real.fabric, .nccl = real.nccl});
    sizes.push_back(each);
  }
  const ImportedLinks imported = import_links(
      cluster, {{.operation = LinkOperation::all_reduce, .ranks = 8, .nodes = 1, .sizes = sizes}});
  CHECK(imported.cluster.nccl->nvls_bandwidth.value() == Approx(300e9).epsilon(0.01));
  CHECK(imported.cluster.link.bandwidth == cluster.link.bandwidth);
}

TEST_CASE("no fitted bandwidth is above the datasheet's") {
  const ClusterSpec cluster = round_cluster(2);  // 10 GB/s between nodes
  const ImportedLinks imported = import_links(cluster, read(all_gather(4, 4, 40e9, 15e-6)).tests);
  CHECK(imported.cluster.network.link.bandwidth.value() <= 10e9 * (1.0 + 1e-9));
}
