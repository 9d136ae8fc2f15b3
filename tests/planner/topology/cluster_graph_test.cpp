#include "planner/topology/cluster_graph.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr double kGigabytes = 1e9;

/// `nodes` nodes of `devices`: 450 GB/s and 4 us inside, 50 GB/s and 10 us per device between.
ClusterSpec cluster_of(std::int64_t nodes, std::int64_t devices, NodeFabric fabric, Topology topology,
                       double oversubscription = 1.0) {
  ClusterSpec cluster;
  cluster.nodes = nodes;
  cluster.devices_per_node = devices;
  cluster.fabric = fabric;
  cluster.link = {BytesPerSecond(450 * kGigabytes), 1.0, Seconds(4e-6)};
  cluster.network.link = {BytesPerSecond(50 * kGigabytes), 1.0, Seconds(10e-6)};
  cluster.network.topology = topology;
  cluster.network.oversubscription = oversubscription;
  return cluster;
}

/// "device 0 > leaf switch 0 > device 8"
std::string path(const NetworkRoute& route) {
  std::string text;
  for (const ClusterLink& link : route.links) text += to_string(link.from) + " > ";
  return route.links.empty() ? "" : text + to_string(route.links.back().to);
}

double bandwidth_of(const ClusterGraph& graph, const Vertex& from, const Vertex& to) {
  for (const ClusterLink& link : graph.links())
    if (link.from == from && link.to == to) return link.bandwidth.value();
  return 0.0;
}

}  // namespace

TEST_CASE("two DGX nodes on rails") {
  const ClusterGraph graph(cluster_of(2, 8, NodeFabric::nvswitch, Topology::rail_optimised));
  CHECK(graph.count(VertexKind::device) == 16);
  CHECK(graph.count(VertexKind::node_switch) == 2);
  CHECK(graph.count(VertexKind::nic) == 16);
  CHECK(graph.count(VertexKind::leaf_switch) == 8);
  CHECK(graph.count(VertexKind::spine_switch) == 1);
  // 16 device–NVSwitch, 16 device–NIC, 16 NIC–leaf and 8 leaf–spine cables, two directions each.
  CHECK(graph.links().size() == 2 * (16 + 16 + 16 + 8));

  const NetworkRoute inside = graph.route(Rank(1), Rank(6));
  CHECK(path(inside) == "device 1 > node switch 0 > device 6");
  CHECK(inside.bottleneck().value() == 450 * kGigabytes);
  CHECK(inside.latency().value() == Approx(4e-6));

  const NetworkRoute same_rail = graph.route(Rank(3), Rank(11));
  CHECK(path(same_rail) == "device 3 > nic 3 > leaf switch 3 > nic 11 > device 11");
  CHECK(same_rail.bottleneck().value() == 50 * kGigabytes);
  CHECK(same_rail.latency().value() == Approx(10e-6));

  CHECK(path(graph.route(Rank(0), Rank(9))) ==
        "device 0 > nic 0 > leaf switch 0 > spine switch 0 > leaf switch 1 > nic 9 > device 9");
  CHECK(graph.route(Rank(5), Rank(5)).links.empty());
}

TEST_CASE("rails of a cluster wider than a pod meet in the spine") {
  // 33 nodes: a pod of 32 and one of 1, with 2 leaves each.
  const ClusterGraph graph(cluster_of(33, 2, NodeFabric::nvswitch, Topology::rail_optimised));
  CHECK(graph.count(VertexKind::leaf_switch) == 4);
  CHECK(graph.route(Rank(0), Rank(62)).links.size() == 4);  // node 31, the same leaf
  CHECK(graph.route(Rank(0), Rank(64)).links.size() == 6);  // node 32, through the spine
}

TEST_CASE("a PCIe box has no network") {
  const ClusterGraph graph(cluster_of(1, 4, NodeFabric::pcie, Topology::single_switch));
  CHECK(graph.count(VertexKind::nic) == 0);
  CHECK(graph.count(VertexKind::leaf_switch) == 0);
  CHECK(graph.links().size() == 8);
  CHECK(path(graph.route(Rank(0), Rank(3))) == "device 0 > node switch 0 > device 3");
}

TEST_CASE("a mesh shares a device's bandwidth among its peers") {
  const ClusterGraph graph(cluster_of(2, 4, NodeFabric::mesh, Topology::single_switch));
  const NetworkRoute inside = graph.route(Rank(0), Rank(3));
  CHECK(path(inside) == "device 0 > device 3");
  CHECK(inside.bottleneck().value() == Approx(150 * kGigabytes));
  CHECK(inside.latency().value() == Approx(4e-6));
  // Devices do not forward messages, so the network carries it although the mesh reaches a peer on the route.
  CHECK(path(graph.route(Rank(0), Rank(5))) == "device 0 > nic 0 > leaf switch 0 > nic 5 > device 5");
}

TEST_CASE("devices of a node without a fabric meet in the network") {
  const ClusterGraph graph(cluster_of(1, 2, NodeFabric::none, Topology::single_switch));
  CHECK(path(graph.route(Rank(0), Rank(1))) == "device 0 > nic 0 > leaf switch 0 > nic 1 > device 1");
}

TEST_CASE("a fat tree with oversubscribed leaves") {
  // Leaves of 32 down-links take 4 nodes of 8: 8 nodes make 2 leaves. Up: 32 · 50 GB/s / 4 = 400 GB/s.
  const ClusterGraph graph(cluster_of(8, 8, NodeFabric::nvswitch, Topology::fat_tree, 4.0));
  CHECK(graph.count(VertexKind::leaf_switch) == 2);
  CHECK(bandwidth_of(graph, {VertexKind::leaf_switch, 0}, {VertexKind::spine_switch, 0}) ==
        Approx(400 * kGigabytes));
  CHECK(path(graph.route(Rank(0), Rank(31))) == "device 0 > nic 0 > leaf switch 0 > nic 31 > device 31");
  CHECK(path(graph.route(Rank(0), Rank(32))) ==
        "device 0 > nic 0 > leaf switch 0 > spine switch 0 > leaf switch 1 > nic 32 > device 32");
  // Where all up-links together carry less than one NIC, they are the bottleneck: 1600 / 64 = 25 GB/s.
  const ClusterGraph starved(cluster_of(8, 8, NodeFabric::nvswitch, Topology::fat_tree, 64.0));
  CHECK(starved.route(Rank(0), Rank(32)).bottleneck().value() == Approx(25 * kGigabytes));
}

TEST_CASE("a torus is a ring of nodes, taken the shorter way round") {
  const ClusterGraph graph(cluster_of(6, 4, NodeFabric::nvswitch, Topology::torus));
  CHECK(graph.count(VertexKind::nic) == 6);
  CHECK(graph.count(VertexKind::leaf_switch) == 0);
  // Four NICs of 50 GB/s per node, half to each neighbour.
  CHECK(bandwidth_of(graph, {VertexKind::nic, 0}, {VertexKind::nic, 1}) == Approx(100 * kGigabytes));
  CHECK(path(graph.route(Rank(0), Rank(20))) == "device 0 > nic 0 > nic 5 > device 20");
  const NetworkRoute half_way = graph.route(Rank(0), Rank(12));
  CHECK(path(half_way) == "device 0 > nic 0 > nic 1 > nic 2 > nic 3 > device 12");
  CHECK(half_way.latency().value() == Approx(30e-6));
  CHECK(half_way.bottleneck().value() == 50 * kGigabytes);
  // Two nodes are each other's only neighbour, at all their NICs' bandwidth.
  const ClusterGraph pair(cluster_of(2, 4, NodeFabric::nvswitch, Topology::torus));
  CHECK(bandwidth_of(pair, {VertexKind::nic, 1}, {VertexKind::nic, 0}) == Approx(200 * kGigabytes));
}

TEST_CASE("every pair of devices has the same route on every call, and one as long back") {
  for (const Topology topology :
       {Topology::rail_optimised, Topology::fat_tree, Topology::single_switch, Topology::torus}) {
    const ClusterSpec cluster = cluster_of(5, 3, NodeFabric::nvswitch, topology);
    const ClusterGraph graph(cluster);
    const ClusterGraph again(cluster);
    for (std::int32_t from = 0; from < 15; ++from) {
      for (std::int32_t to = 0; to < 15; ++to) {
        const NetworkRoute route = graph.route(Rank(from), Rank(to));
        CHECK(path(route) == path(again.route(Rank(from), Rank(to))));
        CHECK(route.links.size() == graph.route(Rank(to), Rank(from)).links.size());
        for (std::size_t i = 1; i < route.links.size(); ++i)
          CHECK(route.links[i].from == route.links[i - 1].to);
      }
    }
  }
}

TEST_CASE("ranks outside the cluster have no route") {
  const ClusterGraph graph(cluster_of(1, 2, NodeFabric::nvswitch, Topology::rail_optimised));
  CHECK_THROWS_AS(graph.route(Rank(0), Rank(2)), std::out_of_range);
  CHECK_THROWS_AS(graph.route(Rank(-1), Rank(0)), std::out_of_range);
}
