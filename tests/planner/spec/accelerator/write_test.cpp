#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "planner/spec/accelerator/write_accelerator.hpp"
#include "planner/spec/cluster/write_cluster.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/map_writer.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

/// A file that only this process uses; removed at the end.
struct TemporaryFile {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("foreshard-written-" + std::to_string(::getpid()) + ".yaml");
  explicit TemporaryFile(const std::string& text) { std::ofstream(path) << text; }
  ~TemporaryFile() { std::filesystem::remove(path); }
};

void check_same(const LinkSpec& a, const LinkSpec& b) {
  CHECK(a.bandwidth == b.bandwidth);
  CHECK(a.efficiency == b.efficiency);
  CHECK(a.latency == b.latency);
}

void check_same(const std::optional<NcclSpec>& a, const std::optional<NcclSpec>& b) {
  REQUIRE(a.has_value() == b.has_value());
  if (!a) return;
  CHECK(a->generation == b->generation);
  CHECK(a->nvls_bandwidth == b->nvls_bandwidth);
  CHECK(a->fixed == b->fixed);
}

void check_same(const AcceleratorSpec& a, const AcceleratorSpec& b) {
  CHECK(a.name == b.name);
  CHECK(a.full_name == b.full_name);
  CHECK(a.is_cpu == b.is_cpu);
  CHECK(a.memory_capacity == b.memory_capacity);
  CHECK(a.memory_bandwidth == b.memory_bandwidth);
  CHECK(a.multiprocessors == b.multiprocessors);
  for (std::size_t type = 0; type < kDTypeCount; ++type) {
    REQUIRE(a.gemm[type].has_value() == b.gemm[type].has_value());
    if (!a.gemm[type]) continue;
    CHECK(a.gemm[type]->peak == b.gemm[type]->peak);
    CHECK(a.gemm[type]->efficiency == b.gemm[type]->efficiency);
  }
  CHECK(a.kernels.gemm_fixed == b.kernels.gemm_fixed);
  CHECK(a.kernels.gemm_k_prologue == b.kernels.gemm_k_prologue);
  CHECK(a.kernels.gemm_accumulate == b.kernels.gemm_accumulate);
  CHECK(a.kernels.grouped_efficiency == b.kernels.grouped_efficiency);
  CHECK(a.kernels.grouped_fixed == b.kernels.grouped_fixed);
  CHECK(a.kernels.attention == b.kernels.attention);
  CHECK(a.kernels.memory_fraction == b.kernels.memory_fraction);
  CHECK(a.kernels.memory_efficiency == b.kernels.memory_efficiency);
  CHECK(a.kernels.memory_half_size == b.kernels.memory_half_size);
  CHECK(a.kernels.launch == b.kernels.launch);
  CHECK(a.kernels.submit == b.kernels.submit);
  CHECK(a.kernels.communication_share == b.kernels.communication_share);
  CHECK(a.kernels.spread == b.kernels.spread);
  CHECK(a.usual_flash == b.usual_flash);
  CHECK(a.fits == b.fits);
  CHECK(a.node.devices == b.node.devices);
  CHECK(a.node.fabric == b.node.fabric);
  check_same(a.node.link, b.node.link);
  check_same(a.node.network, b.node.network);
  check_same(a.node.nccl, b.node.nccl);
  CHECK(a.price == b.price);
  CHECK(a.power == b.power);
  CHECK(a.source == b.source);
}

}  // namespace

TEST_CASE("written accelerators read back the same") {
  for (const std::string& name : bundled_names(ConfigKind::accelerators)) {
    INFO(name);
    AcceleratorSpec accelerator = load_accelerator(name);
    // Results of a calibration are written with all their digits.
    accelerator.kernels.launch = Seconds(1.0 / 3.0e5);
    accelerator.memory_bandwidth = BytesPerSecond(1e10 / 3.0);
    accelerator.source = "measured, \"here\" \\ there:\nline two";
    const TemporaryFile file(write_accelerator(accelerator, "measured on a host\n2026-01-01"));
    check_same(load_accelerator(file.path.string()), accelerator);
  }
}

TEST_CASE("sources stand in the maps whose figures they are about, and read back without complaint") {
  const ClusterSpec cluster = load_cluster("laptop");
  const FigureSources sources{.memory = "of memory",
                              .multiprocessors = "of cores",
                              .gemm = "of products",
                              .kernels = "of kernels",
                              .attention = "of attention",
                              .link = "of the link",
                              .network = "of the network"};
  const std::string text = write_cluster(cluster, {}, sources);
  for (const char* source : {"of memory", "of cores", "of products", "of kernels", "of attention"})
    CHECK_THAT(text, ContainsSubstring(std::string("    source: \"") + source));
  // The usual node of the accelerator has links, and so has the cluster.
  for (const char* source : {"of the link", "of the network"}) {
    const std::size_t first = text.find(source);
    REQUIRE(first != std::string::npos);
    CHECK(text.find(source, first + 1) != std::string::npos);
  }
  const TemporaryFile file(text);
  CHECK(load_cluster(file.path.string()).name == "laptop");
}

TEST_CASE("written clusters read back the same") {
  for (const std::string& name : bundled_names(ConfigKind::clusters)) {
    INFO(name);
    ClusterSpec cluster = load_cluster(name);
    cluster.nodes = 7;
    cluster.network.link.latency = Seconds(1.0 / 7.0e4);
    const TemporaryFile file(write_cluster(cluster));
    const ClusterSpec back = load_cluster(file.path.string());
    CHECK(back.name == cluster.name);
    check_same(back.accelerator, cluster.accelerator);
    CHECK(back.devices_per_node == cluster.devices_per_node);
    CHECK(back.nodes == 7);
    CHECK(back.fabric == cluster.fabric);
    check_same(back.link, cluster.link);
    check_same(back.network.link, cluster.network.link);
    check_same(back.nccl, cluster.nccl);
    CHECK(back.network.topology == cluster.network.topology);
    CHECK(back.network.oversubscription == cluster.network.oversubscription);
    CHECK(back.price == cluster.price);
    CHECK(back.power == cluster.power);
  }
}

TEST_CASE("the writer indents, quotes and comments") {
  MapWriter writer;
  writer.comment("two\nlines");
  writer.plain("nodes", "8");
  writer.begin("link");
  writer.plain("bandwidth", "450 GB/s");
  writer.text("source", "a \"datasheet\"");
  writer.end();
  CHECK(writer.str() ==
        "# two\n# lines\nnodes: 8\nlink:\n  bandwidth: 450 GB/s\n  source: \"a \\\"datasheet\\\"\"\n");
}
