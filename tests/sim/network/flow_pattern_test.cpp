#include "sim/network/flow_pattern.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "planner/cost/collectives/collective_choice.hpp"
#include "planner/cost/collectives/collective_time.hpp"
#include "planner/cost/collectives/group_links.hpp"
#include "planner/spec/load/load.hpp"
#include "sim/network/flow_network.hpp"
#include "sim/network/ring_messages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/test_jobs.hpp"

using namespace foreshard;

namespace {

std::vector<Rank> ranks(std::size_t first, std::size_t count, std::size_t stride = 1) {
  std::vector<Rank> list;
  for (std::size_t i = 0; i < count; ++i) list.emplace_back(first + i * stride);
  return list;
}

/// The number of flows on each link, by its name such as "device 0 → nic 0".
std::map<std::string, double> by_name(const Fabric& fabric, const FlowPattern& pattern) {
  std::map<std::string, double> flows;
  for (const LinkUse& use : pattern.uses) flows[to_string(fabric.link(use.link))] = use.flows;
  return flows;
}

/// Time of a collective with this pattern on an idle fabric, limited only by the links, not by its cap.
double time_on(const Fabric& fabric, const AlgorithmCost& form, CollectiveKind kind,
               const std::vector<Rank>& members, Bytes payload, bool capped) {
  const FlowPattern pattern = pattern_of(fabric, kind, form.choice, members);
  FlowNetwork network(fabric.capacities());
  const double cap = capped ? form.rate(payload).value() * pattern.share : 1e18;
  network.start({.uses = pattern.uses,
                 .bytes = payload.as_double() * pattern.share,
                 .cap = BytesPerSecond(cap),
                 .latency = to_sim_time(form.steps(payload)),
                 .tag = 0},
                SimTime());
  while (network.next_time()) network.advance();
  return network.now().seconds().value();
}

ClusterSpec bundled(const std::string& cluster, std::int64_t nodes) {
  return parse_jobs(
             "model: llama3-8b\ncluster: {name: " + cluster + ", nodes: " + std::to_string(nodes) +
                 "}\nparallelism: {}\ntraining: {sequence_length: 8, global_batch: 46080, micro_batch: 1}\n",
             "test")
      .at(0)
      .cluster;
}

}  // namespace

TEST_CASE("a ring in a node crosses every device's link once each way") {
  const Fabric fabric(test::round_cluster(1, 4));
  const FlowPattern ring = pattern_of(fabric, CollectiveKind::all_reduce, {}, ranks(0, 4));
  CHECK(ring.share == Approx(2.0 * 3.0 / 4.0));
  CHECK(ring.uses.size() == 8);
  for (const LinkUse& use : ring.uses) CHECK(use.flows == 1.0);
  CHECK(pattern_of(fabric, CollectiveKind::all_gather, {}, ranks(0, 4)).share == Approx(3.0 / 4.0));
}

TEST_CASE("rings over nodes: one for each NIC, and each stays on its rail") {
  const Fabric fabric(test::round_cluster(2, 4));
  const FlowPattern rings = pattern_of(fabric, CollectiveKind::all_reduce,
                                       {.algorithm = CollectiveAlgorithm::ring, .rails = 4}, ranks(0, 8));
  CHECK(rings.share == Approx(2.0 * 7.0 / 8.0 / 4.0));
  const auto flows = by_name(fabric, rings);
  for (int device = 0; device < 8; ++device) {
    const std::string d = std::to_string(device);
    CHECK(flows.at("device " + d + " → nic " + d) == 1.0);
    CHECK(flows.at("nic " + d + " → device " + d) == 1.0);
    // Of the 4 rings, 3 continue within the node from here and one leaves it.
    CHECK(flows.at("device " + d + " → node switch " + std::to_string(device / 4)) == 3.0);
  }
  CHECK(std::none_of(flows.begin(), flows.end(),
                     [](const auto& flow) { return flow.first.find("spine") != std::string::npos; }));
}

TEST_CASE("trees over nodes: every NIC sends and receives twice its share, or less") {
  for (const std::size_t nodes : {2U, 3U, 4U, 5U, 8U, 13U, 16U}) {
    const Fabric fabric(test::round_cluster(static_cast<std::int64_t>(nodes), 1));
    const FlowPattern tree =
        pattern_of(fabric, CollectiveKind::all_reduce, {.algorithm = CollectiveAlgorithm::tree, .rails = 1},
                   ranks(0, nodes));
    CHECK(tree.share == 0.5);
    double out = 0.0;
    for (const auto& [name, flows] : by_name(fabric, tree)) {
      if (!name.starts_with("device ")) continue;
      out += flows;
      CHECK(flows <= 4.0);  // of half the payload: 2 S
    }
    // Two trees of n − 1 edges, each used in both directions.
    CHECK(out == 4.0 * static_cast<double>(nodes - 1));
  }
}

TEST_CASE("an exchange sends to everybody else") {
  const Fabric fabric(test::round_cluster(2, 2));
  const FlowPattern exchange = pattern_of(fabric, CollectiveKind::all_to_all,
                                          {.algorithm = CollectiveAlgorithm::pairwise}, ranks(0, 4));
  CHECK(exchange.share == 0.25);
  const auto flows = by_name(fabric, exchange);
  CHECK(flows.at("device 0 → node switch 0") == 1.0);
  CHECK(flows.at("device 0 → nic 0") == 2.0);
  CHECK(flows.at("nic 3 → device 3") == 2.0);
}

TEST_CASE("on an idle fabric flows take what the cost model says, to 2%") {
  struct Case {
    std::string cluster;
    std::int64_t nodes;
    std::size_t first, count, stride;
  };
  const std::vector<Case> cases{
      {"dgx-h100", 1, 0, 8, 1},      {"dgx-h100", 1, 0, 2, 1},      {"dgx-h100", 2, 0, 16, 1},
      {"dgx-h100", 4, 0, 32, 1},     {"dgx-h100", 8, 3, 8, 8},      {"dgx-h100", 40, 0, 40, 8},
      {"dgx-h100", 5, 0, 10, 4},     {"dgx-a100", 4, 0, 32, 1},     {"dgx-a100", 3, 1, 3, 8},
      {"gb200-nvl72", 2, 0, 144, 1}, {"gb200-nvl72", 1, 0, 72, 1},  {"mi300x-node", 1, 0, 8, 1},
      {"mi300x-node", 2, 0, 2, 8},   {"h100-pcie-box", 1, 0, 4, 1}, {"aws-p5", 2, 0, 16, 1}};
  for (const Case& c : cases) {
    const ClusterSpec cluster = bundled(c.cluster, c.nodes);
    const Fabric fabric(cluster);
    const std::vector<Rank> members = ranks(c.first, c.count, c.stride);
    const Group group{GroupKind::dp, static_cast<std::int64_t>(c.count), static_cast<std::int64_t>(c.stride)};
    const GroupLinks links = links_of(group, cluster);
    for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                      CollectiveKind::reduce_scatter, CollectiveKind::all_to_all}) {
      const AlgorithmCosts forms = algorithm_costs(kind, links);
      for (const AlgorithmCost& form : forms.all()) {
        for (const std::int64_t megabytes : {1, 64, 1024}) {
          const Bytes payload(megabytes << 20);
          INFO(c.cluster << " x " << c.nodes << ", " << c.count << " members, stride " << c.stride << ", "
                         << to_string(kind) << ", " << to_string(form.choice) << ", " << megabytes << " MiB");
          const double planned = form.time(payload).value();
          CHECK(time_on(fabric, form, kind, members, payload, true) == Approx(planned).epsilon(0.02));
        }
      }
    }
  }
}

TEST_CASE("groups of a mesh take the time of the links between their own members, by plan and by flows") {
  // 8 devices, 64 GB/s and an efficiency of 0.7 between each two. g members of a node use g − 1 links each,
  // and a message between two of them one.
  const ClusterSpec cluster = bundled("mi300x-node", 1);
  const Fabric fabric(cluster);
  const double link = 0.7 * 64e9;
  const Bytes payload(std::int64_t{1} << 30);
  const double bytes = payload.as_double();
  for (const std::size_t stride : {std::size_t{1}, std::size_t{2}, std::size_t{4}}) {
    for (std::size_t count = 2; count * stride <= 8; count *= 2) {
      const Group group{GroupKind::dp, static_cast<std::int64_t>(count), static_cast<std::int64_t>(stride)};
      const CollectiveTimes times(links_of(group, cluster));
      const auto g = static_cast<double>(count);
      for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                        CollectiveKind::reduce_scatter, CollectiveKind::all_to_all}) {
        INFO(count << " members, stride " << stride << ", " << to_string(kind));
        // (g − 1)/g of S leave a device over g − 1 links; an all-reduce is two such rounds.
        const double rounds = kind == CollectiveKind::all_reduce ? 2.0 : 1.0;
        const double expected =
            rounds * (g - 1.0) / g * bytes / ((g - 1.0) * link) + rounds * (g - 1.0) * 5e-6;
        CHECK(times.time(kind, payload).value() == Approx(expected).epsilon(1e-6));
        const double by_flows =
            time_on(fabric, times.cost(kind, payload), kind, ranks(0, count, stride), payload, false);
        CHECK(by_flows == Approx(expected).epsilon(0.01));
      }
      CHECK(times.transfer(payload).value() == Approx(bytes / link + 5e-6).epsilon(1e-6));
    }
  }
}

TEST_CASE("rings over several meshes are as fast as their NICs or the links inside, by plan and by flows") {
  // NICs carry 0.97 · 50 GB/s. Each of a node's g members has one ring that enters through its NIC, and each
  // of the g·(g − 1) links between them carries one ring: g · min(48.5, 44.8) GB/s.
  const ClusterSpec cluster = bundled("mi300x-node", 2);
  const Fabric fabric(cluster);
  const Bytes payload(std::int64_t{4} << 30);
  for (const std::size_t per_node : {std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
    INFO(per_node << " members in each node");
    const std::size_t count = 2 * per_node;
    const std::size_t stride = 8 / per_node;
    const Group group{GroupKind::dp, static_cast<std::int64_t>(count), static_cast<std::int64_t>(stride)};
    const CollectiveTimes times(links_of(group, cluster));
    const auto g = static_cast<double>(per_node);
    const double n = 2.0 * g;
    const double moving = (n - 1.0) / n * payload.as_double() / (g * 44.8e9);
    const double steps = (n - 2.0) * 5e-6 + 10e-6;
    const CollectiveKind kind = CollectiveKind::all_gather;
    CHECK(times.time(kind, payload).value() == Approx(moving + steps).epsilon(1e-6));
    CHECK(time_on(fabric, times.cost(kind, payload), kind, ranks(0, count, stride), payload, false) ==
          Approx(moving + steps).epsilon(0.01));
  }
}

TEST_CASE("without a fabric, devices of a node talk by their NICs") {
  ClusterSpec cluster = test::round_cluster(1, 4);
  cluster.fabric = NodeFabric::none;
  cluster.network.link.latency = Seconds(5e-6);
  const CollectiveTimes times(links_of(Group{GroupKind::tp, 4, 1}, cluster));
  // 3/4 of 1 GiB passes a NIC of 10 GB/s, plus the latency of three steps.
  const Bytes payload(std::int64_t{1} << 30);
  const double expected = 0.75 * payload.as_double() / 10e9 + 3.0 * 5e-6;
  CHECK(times.time(CollectiveKind::all_gather, payload).value() == Approx(expected).epsilon(1e-6));
  CHECK(time_on(Fabric(cluster), times.cost(CollectiveKind::all_gather, payload), CollectiveKind::all_gather,
                ranks(0, 4), payload, false) == Approx(expected).epsilon(0.01));
}

TEST_CASE("a ring takes 2(n−1)/n·S/B and its steps by the links alone, on one tier and on several") {
  // Without NCCL's constants and without a cap: 100 GB/s in a node, 10 GB/s per NIC, 2 and 5 us a step.
  const auto check = [](std::int64_t nodes, std::size_t members, std::size_t stride, double bandwidth) {
    ClusterSpec cluster = test::round_cluster(nodes, 8);
    cluster.link.latency = Seconds(2e-6);
    cluster.network.link.latency = Seconds(5e-6);
    const Fabric fabric(cluster);
    const std::vector<Rank> list = ranks(0, members, stride);
    const Group group{GroupKind::dp, static_cast<std::int64_t>(members), static_cast<std::int64_t>(stride)};
    const AlgorithmCosts forms = plain_algorithms(CollectiveKind::all_reduce, links_of(group, cluster));
    const Bytes payload(std::int64_t{1} << 30);
    const auto n = static_cast<double>(members);
    const auto node_count = static_cast<double>(nodes);
    // Per round n − 1 steps, of which nodes − 1 cross.
    const double steps = 2.0 * ((n - node_count) * 2e-6 + (node_count - 1.0) * 5e-6);
    const double expected = 2.0 * (n - 1.0) / n * payload.as_double() / bandwidth + steps;
    CHECK(time_on(fabric, forms.all().front(), CollectiveKind::all_reduce, list, payload, false) ==
          Approx(expected).epsilon(0.01));
  };
  check(1, 8, 1, 100e9);
  check(4, 4, 8, 10e9);    // one member per node: its own NIC
  check(4, 32, 1, 80e9);   // eight NICs together are less than the node's links
  check(40, 40, 8, 10e9);  // two pods, through the spine
}

TEST_CASE("a ring message by message takes its latencies and its bytes, and a slow link's pace") {
  ClusterSpec cluster = test::round_cluster(16, 1);
  cluster.network.topology = Topology::single_switch;
  cluster.network.link.latency = Seconds(3e-6);
  const std::vector<Rank> members = ranks(0, 16);
  const Bytes payload(std::int64_t{160} << 20);  // blocks of 10 MiB
  const double block = 10.0 * 1024.0 * 1024.0 / 10e9;
  const RingRun run = ring_all_reduce_by_messages(Fabric(cluster), members, payload);
  CHECK(run.messages == 2 * 16 * 15);
  CHECK(run.time.seconds().value() == Approx(30.0 * (3e-6 + block)).epsilon(1e-9));
  // One NIC runs at half its rate, so messages into and out of it take the time of 2 blocks. Its device must
  // send 30 messages one after the other: 29 follow the first. The last one is then forwarded over up to 15
  // other links, which are idle by then, at full speed.
  const std::vector<Degradation> slow{{{VertexKind::nic, 5}, 0.5}};
  const RingRun slowed = ring_all_reduce_by_messages(Fabric(cluster, slow), members, payload);
  CHECK(slowed.messages == run.messages);
  CHECK(slowed.time.seconds().value() >= 30.0 * (3e-6 + 2.0 * block));
  CHECK(slowed.time.seconds().value() <= 30.0 * (3e-6 + 2.0 * block) + 16.0 * (3e-6 + block));
}

TEST_CASE("a fabric knows what it is made of") {
  ClusterSpec cluster = test::round_cluster(2, 2);
  cluster.link.efficiency = 0.8;
  cluster.network.link.efficiency = 0.9;
  const std::vector<Degradation> degraded{{{VertexKind::nic, 1}, 0.5}};
  const Fabric fabric(cluster, degraded);
  for (std::uint32_t l = 0; l < fabric.capacities().size(); ++l) {
    const ClusterLink& link = fabric.link(l);
    const bool in_node = link.from.kind == VertexKind::node_switch || link.to.kind == VertexKind::node_switch;
    const bool slow = link.from == Vertex{VertexKind::nic, 1} || link.to == Vertex{VertexKind::nic, 1};
    const bool up = link.from.kind == VertexKind::spine_switch || link.to.kind == VertexKind::spine_switch;
    if (!up) CHECK(fabric.capacities()[l].value() == Approx(in_node ? 80e9 : slow ? 4.5e9 : 9e9));
  }
  const std::vector<Degradation> nowhere{{{VertexKind::nic, 99}, 0.5}};
  CHECK_THROWS_AS(Fabric(cluster, nowhere), std::out_of_range);
}
