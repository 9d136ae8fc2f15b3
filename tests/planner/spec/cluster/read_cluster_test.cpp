#include "planner/spec/cluster/read_cluster.hpp"

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "planner/spec/cluster/write_cluster.hpp"
#include "planner/spec/load/load.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

ClusterSpec cluster_of(const std::string& text) {
  Complaints complaints;
  Library library(complaints);
  const auto documents = parse_yaml(make_source("c.yaml", {}, text), text, complaints);
  const ClusterSpec cluster = read_cluster(documents.front(), documents.front()->place, "cluster", library);
  complaints.throw_if_any();
  return cluster;
}

/// A folder that only this process uses; removed at the end.
struct Folder {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("foreshard-clusters-" + std::to_string(::getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name) << text; }
};

}  // namespace

TEST_CASE("an inline cluster takes what it leaves unsaid from the accelerator's usual node") {
  const ClusterSpec cluster = cluster_of("{accelerator: h100-80gb-sxm}");
  const AcceleratorSpec accelerator = load_accelerator("h100-80gb-sxm");
  CHECK(cluster.accelerator.name == "h100-80gb-sxm");
  CHECK(cluster.devices_per_node == accelerator.node.devices);
  CHECK(cluster.nodes == 1);
  CHECK(cluster.fabric == accelerator.node.fabric);
  CHECK(cluster.link.bandwidth == accelerator.node.link.bandwidth);
  CHECK(cluster.network.link.bandwidth == accelerator.node.network.bandwidth);
  REQUIRE(cluster.nccl.has_value());
  CHECK(cluster.nccl->generation == NcclGeneration::hopper);
  CHECK(cluster.nccl->nvls_bandwidth == accelerator.node.nccl->nvls_bandwidth);
  CHECK(cluster.network.topology == Topology::rail_optimised);
  CHECK(cluster.network.oversubscription == 1.0);
  CHECK(cluster.price == accelerator.price);
  CHECK(cluster.power == accelerator.power);
}

TEST_CASE("every key of a cluster is read") {
  const ClusterSpec cluster = cluster_of(
      "{name: mine, accelerator: h100-80gb-sxm, devices_per_node: 4, nodes: 3, fabric: pcie,"
      " link: {bandwidth: 32 GB/s, efficiency: 0.5, latency: 9 us},"
      " nccl: {generation: ampere, nvls_bandwidth: 0 GB/s, fixed: 5 us, source: me},"
      " network: {bandwidth_per_device: 100 Gbit/s, latency: 20 us, efficiency: 0.25, topology: fat-tree,"
      " oversubscription: 2}, price_per_device_hour: 3.6 USD/h, power_per_device: 1 kW, source: me, notes: "
      "no}");
  CHECK(cluster.name == "mine");
  CHECK(cluster.devices() == 12);
  CHECK(cluster.fabric == NodeFabric::pcie);
  CHECK(cluster.link.bandwidth == BytesPerSecond(32e9));
  CHECK(cluster.link.efficiency == 0.5);
  CHECK(cluster.link.latency == Seconds(9e-6));
  CHECK(cluster.nccl->generation == NcclGeneration::ampere);
  CHECK(cluster.nccl->nvls_bandwidth == BytesPerSecond());
  CHECK(cluster.nccl->fixed == Seconds(5e-6));
  CHECK(cluster.network.link.bandwidth == BytesPerSecond(12.5e9));
  CHECK(cluster.network.link.latency == Seconds(20e-6));
  CHECK(cluster.network.link.efficiency == 0.25);
  CHECK(cluster.network.topology == Topology::fat_tree);
  CHECK(cluster.network.oversubscription == 2.0);
  CHECK(cluster.price->value() == Approx(0.001));
  CHECK(cluster.power == Watts(1000.0));
}

TEST_CASE("what a network was measured to reach is a fraction of its nominal rate") {
  // 10 of 12.5 GB/s
  const ClusterSpec cluster = cluster_of(
      "{accelerator: h100-80gb-sxm, network: {bandwidth_per_device: 100 Gbit/s, reached: 10 GB/s}}");
  CHECK(cluster.network.link.efficiency == Approx(0.8));
}

TEST_CASE("idle devices are those of the node that the job does not use") {
  const ClusterSpec cluster = cluster_of("{name: gb200-nvl72, nodes: 16, idle_per_node: 8}");
  CHECK(cluster.devices_per_node == 64);
  CHECK(cluster.devices() == 1024);
  CHECK(cluster.idle_devices() == 128);
  CHECK(cluster.paid_devices() == 1152);
  const ClusterSpec written = cluster_of(write_cluster(cluster));
  CHECK(written.devices() == 1024);
  CHECK(written.idle_per_node == 8);
  CHECK_THROWS_WITH(cluster_of("{name: dgx-h100, idle_per_node: 8}"),
                    ContainsSubstring("8 of the 8 devices of a node would leave none to the job"));
}

TEST_CASE("a named cluster with keys of its own keeps the rest") {
  const ClusterSpec named = load_cluster("dgx-h100");
  const ClusterSpec changed =
      cluster_of("{name: dgx-h100, nodes: 8, network: {bandwidth_per_device: 200 Gbit/s}}");
  CHECK(changed.name == "dgx-h100");
  CHECK(changed.nodes == 8);
  CHECK(changed.network.link.bandwidth == BytesPerSecond(25e9));
  CHECK(changed.network.link.latency == named.network.link.latency);
  CHECK(changed.devices_per_node == named.devices_per_node);
  CHECK(changed.power == named.power);
}

TEST_CASE(
    "what a cluster leaves unsaid of NCCL is as usual; where nothing is usual, nothing may be missing") {
  const ClusterSpec changed = cluster_of("{accelerator: h100-80gb-sxm, nccl: {fixed: 9 us}}");
  CHECK(changed.nccl->fixed == Seconds(9e-6));
  CHECK(changed.nccl->generation == NcclGeneration::hopper);
  CHECK_FALSE(cluster_of("{accelerator: cpu}").nccl.has_value());
  CHECK_THROWS_WITH(cluster_of("{accelerator: cpu, nccl: {fixed: 9 us}}"),
                    ContainsSubstring("the key 'generation' is missing"));
  CHECK_THROWS_WITH(cluster_of("{accelerator: h100-80gb-sxm, nccl: {generation: hoper}}"),
                    ContainsSubstring("hopper"));
}

TEST_CASE("paths start at the file that names them") {
  const Folder folder;
  std::filesystem::copy_file(bundled_file(ConfigKind::accelerators, "h100-80gb-sxm"),
                             folder.path / "card.yaml");
  folder.write("base.yaml", "accelerator: ./card.yaml\nnodes: 2\n");
  folder.write("more.yaml", "name: ./base.yaml\nnodes: 5\n");
  const ClusterSpec base = load_cluster((folder.path / "base.yaml").string());
  CHECK(base.name == "base");
  CHECK(base.accelerator.name == "h100-80gb-sxm");
  CHECK(base.nodes == 2);
  CHECK(load_cluster((folder.path / "more.yaml").string()).nodes == 5);
}

TEST_CASE("a cluster that names itself is refused") {
  const Folder folder;
  folder.write("loop.yaml", "name: ./loop.yaml\n");
  CHECK_THROWS_WITH(load_cluster((folder.path / "loop.yaml").string()),
                    ContainsSubstring("this cluster names itself"));
}

TEST_CASE("complaints about a named file carry that file") {
  const Folder folder;
  folder.write("base.yaml", "accelerator: h100-80gb-sxm\nnode: 2\n");
  const std::string file = (folder.path / "base.yaml").string();
  CHECK_THROWS_WITH(load_cluster(file),
                    ContainsSubstring(file + ":2:1: error: unknown key 'node'; did you mean 'nodes'?"));
}

TEST_CASE("another fabric must bring its link") {
  CHECK_THROWS_WITH(cluster_of("{name: dgx-h100, fabric: pcie}"),
                    ContainsSubstring("it lacks bandwidth, efficiency, latency"));
  CHECK_THROWS_WITH(cluster_of("{name: dgx-h100, fabric: mesh, link: {bandwidth: 31 GB/s, efficiency: 0.5}}"),
                    ContainsSubstring("it lacks latency"));
  // The link of a cluster's own fabric is not that of another one.
  CHECK_THROWS_WITH(
      cluster_of("{name: a100-pcie-box, fabric: nvswitch}"),
      ContainsSubstring("the link of nvswitch is not known: that of a100-80gb-pcie is over pcie"));
  const ClusterSpec box = cluster_of(
      "{name: dgx-h100, fabric: pcie, link: {bandwidth: 31 GB/s, efficiency: 0.5, latency: 6 us}}");
  CHECK(box.fabric == NodeFabric::pcie);
  CHECK(box.link.bandwidth == BytesPerSecond(31e9));
  CHECK(cluster_of("{name: dgx-h100, fabric: nvswitch}").link.bandwidth ==
        load_cluster("dgx-h100").link.bandwidth);
}

TEST_CASE("without a fabric what passes between devices goes through their NICs") {
  const ClusterSpec cluster = cluster_of("{name: dgx-h100, fabric: none}");
  CHECK(cluster.link.bandwidth == cluster.network.link.bandwidth);
  CHECK(cluster.link.latency == cluster.network.link.latency);
}

TEST_CASE("a bundled cluster's name stands beside its own accelerator only") {
  CHECK(cluster_of("{name: dgx-h100, accelerator: h100-80gb-sxm}").name == "dgx-h100");
  CHECK(cluster_of("{name: mine, accelerator: mi300x}").accelerator.name == "mi300x");
  CHECK_THROWS_WITH(
      cluster_of("{name: dgx-h100, accelerator: mi300x}"),
      ContainsSubstring("cluster.accelerator: mi300x is not what the bundled cluster 'dgx-h100' "
                        "is made of: h100-80gb-sxm"));
}
