#include "planner/cost/collectives/collective_choice.hpp"

#include <array>
#include <cmath>
#include <random>

#include "planner/cost/collectives/collective_time.hpp"
#include "planner/cost/collectives/nccl_tuning.hpp"
#include "tests/support/catch.hpp"

// The algorithm that NCCL chooses and its time, computed by hand from NCCL's constants.

using namespace foreshard;

namespace {

constexpr std::int64_t kKibibyte = 1 << 10;
constexpr std::int64_t kMebibyte = 1 << 20;
constexpr std::int64_t kGibibyte = 1 << 30;

/// Hopper nodes: rings of 370 GB/s, 308 GB/s while the switch reduces, one NIC of 48.5 GB/s per device,
/// NCCL's own latencies and nothing fixed.
GroupLinks hopper(std::int64_t nodes, std::int64_t per_node) {
  return {.members = nodes * per_node,
          .per_node = per_node,
          .nodes = nodes,
          .inside = {BytesPerSecond(370e9), Seconds(3.4e-6)},
          .across = {BytesPerSecond(48.5e9), Seconds(14e-6)},
          .nccl = NcclSpec{NcclGeneration::hopper, BytesPerSecond(308e9), Seconds()}};
}

const AlgorithmCost& cost(const AlgorithmCosts& costs, CollectiveAlgorithm algorithm,
                          CollectiveProtocol protocol = CollectiveProtocol::simple) {
  for (const AlgorithmCost& candidate : costs.all())
    if (candidate.choice.algorithm == algorithm && candidate.choice.protocol == protocol) return candidate;
  throw std::logic_error("there is no such way");
}

double micros(Seconds time) { return time.value() * 1e6; }

constexpr auto kRing = CollectiveAlgorithm::ring;
constexpr auto kTree = CollectiveAlgorithm::tree;
constexpr auto kLl = CollectiveProtocol::ll;
constexpr auto kLl128 = CollectiveProtocol::ll128;
constexpr auto kSimple = CollectiveProtocol::simple;

}  // namespace

TEST_CASE("latencies of rings and trees in a node are NCCL's") {
  const AlgorithmCosts reduce = algorithm_costs(CollectiveKind::all_reduce, hopper(1, 8));
  // Base and 14 steps: 6.6 + 14·0.6, 14 + 14·1.9, 8.4 + 14·3.4.
  CHECK(micros(cost(reduce, kRing, kLl).latency) == Approx(15.0));
  CHECK(micros(cost(reduce, kRing, kLl128).latency) == Approx(40.6));
  CHECK(micros(cost(reduce, kRing, kSimple).latency) == Approx(56.0));
  // Base, 7 hops up and down: 6.8 + 14·0.6, 14 + 14·1.25, 8.4 + 14·4.
  CHECK(micros(cost(reduce, kTree, kLl).latency) == Approx(15.2));
  CHECK(micros(cost(reduce, kTree, kLl128).latency) == Approx(31.5));
  CHECK(micros(cost(reduce, kTree, kSimple).latency) == Approx(64.4));
  CHECK(micros(cost(reduce, CollectiveAlgorithm::nvls).latency) == Approx(25.0));
  // A gather has half of the steps: 8.4 + 7·3.4.
  const AlgorithmCosts gather = algorithm_costs(CollectiveKind::all_gather, hopper(1, 8));
  CHECK(micros(cost(gather, kRing, kSimple).latency) == Approx(32.2));
}

TEST_CASE("latencies across nodes are NCCL's") {
  const AlgorithmCosts four = algorithm_costs(CollectiveKind::all_reduce, hopper(4, 8));
  // 62 steps, 6 of them across: 8.4 + 56·3.4 + 6·14; large messages 1.4 times that.
  CHECK(micros(cost(four, kRing, kSimple).latency) == Approx(282.8));
  CHECK(micros(cost(four, kRing, kSimple).latency + cost(four, kRing, kSimple).plateau_latency) ==
        Approx(1.4 * 282.8));
  // 7 hops in the node and 2 levels, up and down: 6.8 + 2·(7·0.6 + 2·5), 8.4 + 2·(7·4 + 2·14).
  CHECK(micros(cost(four, kTree, kLl).latency) == Approx(35.2));
  CHECK(micros(cost(four, kTree, kSimple).latency) == Approx(120.4));
  // If the ring also uses a network, an LL step in the node takes at least 1 us: 6.6 + 56·1 + 6·2.7.
  CHECK(micros(cost(four, kRing, kLl).latency) == Approx(78.8));
  // 25 and 2 levels up and down of 20.9.
  CHECK(micros(cost(four, CollectiveAlgorithm::nvls_tree).latency) == Approx(108.6));

  const AlgorithmCosts sixteen = algorithm_costs(CollectiveKind::all_reduce, hopper(16, 8));
  // 254 steps, 30 across: 8.4 + 224·3.4 + 30·14. Trees: 14 + 2·(7·1.25 + 4·8.5).
  CHECK(micros(cost(sixteen, kRing, kSimple).latency) == Approx(1190.0));
  CHECK(micros(cost(sixteen, kTree, kLl128).latency) == Approx(99.5));
}

TEST_CASE("bandwidths in a node: protocols take their part, NVLS counts what the switch passes") {
  const AlgorithmCosts reduce = algorithm_costs(CollectiveKind::all_reduce, hopper(1, 8));
  // Bus over algorithm bandwidth is 14/8. LL: polling allows 141 GB/s, less than half of 370. LL128: 0.92.
  CHECK(cost(reduce, kRing, kLl).bandwidth.value() == Approx(141e9 * 8 / 14));
  CHECK(cost(reduce, kRing, kLl128).bandwidth.value() == Approx(0.92 * 370e9 * 8 / 14));
  CHECK(cost(reduce, kRing, kSimple).bandwidth.value() == Approx(370e9 * 8 / 14));
  // Trees send twice: 0.92·370/2; LL128 7/9 of that, LL 1/3.8.
  CHECK(cost(reduce, kTree, kSimple).bandwidth.value() == Approx(170.2e9));
  CHECK(cost(reduce, kTree, kLl128).bandwidth.value() == Approx(170.2e9 * 7 / 9));
  CHECK(cost(reduce, kTree, kLl).bandwidth.value() == Approx(170.2e9 / 3.8));
  // S + S/8 at 308 GB/s.
  CHECK(cost(reduce, CollectiveAlgorithm::nvls).bandwidth.value() == Approx(308e9 * 8 / 9));
}

TEST_CASE("what NCCL chooses in a node depends on size and members") {
  const CollectiveTimes eight(hopper(1, 8));
  CHECK(to_string(eight.choice(CollectiveKind::all_reduce, Bytes(kKibibyte))) == "ring, LL");
  CHECK(to_string(eight.choice(CollectiveKind::all_reduce, Bytes(64 * kMebibyte))) == "NVLS, Simple");
  CHECK(to_string(eight.choice(CollectiveKind::all_gather, Bytes(kGibibyte))) == "ring, Simple");
  CHECK(to_string(eight.choice(CollectiveKind::reduce_scatter, Bytes(kKibibyte))) == "ring, LL");
  CHECK(to_string(eight.choice(CollectiveKind::all_to_all, Bytes(kGibibyte))) == "pairwise, Simple");
  // Four members: a ring reaches 370·4/6 = 247 GB/s, NVLS 308·4/5 = 246. Five: 370·5/8 = 231 and 257.
  CHECK(CollectiveTimes(hopper(1, 4)).choice(CollectiveKind::all_reduce, Bytes(16 * kGibibyte)).algorithm ==
        kRing);
  CHECK(CollectiveTimes(hopper(1, 5)).choice(CollectiveKind::all_reduce, Bytes(16 * kGibibyte)).algorithm ==
        CollectiveAlgorithm::nvls);
  // Without a switch that reduces, rings are chosen for all sizes.
  GroupLinks older = hopper(1, 8);
  older.nccl->nvls_bandwidth = BytesPerSecond();
  CHECK(to_string(CollectiveTimes(older).choice(CollectiveKind::all_reduce, Bytes(kGibibyte))) ==
        "ring, Simple");
}

TEST_CASE("an all-gather in a node takes its steps and its bytes") {
  // 1 GiB at 370 GB/s, 7/8 of it; 32.2 us of steps.
  const double gibibyte = 7.0 / 8.0 * static_cast<double>(kGibibyte) / 370e9;
  CHECK(CollectiveTimes(hopper(1, 8)).time(CollectiveKind::all_gather, Bytes(kGibibyte)).value() ==
        Approx(32.2e-6 + gibibyte));
}

TEST_CASE("across nodes the NICs that a group owns limit it") {
  // 8 members per node own 388 GB/s, more than the ring in the node; 2 own 97, 1 owns 48.5.
  CHECK(ring_bus_bandwidth(hopper(4, 8)).value() == Approx(370e9));
  CHECK(ring_bus_bandwidth(hopper(4, 2)).value() == Approx(97e9));
  CHECK(ring_bus_bandwidth(hopper(4, 1)).value() == Approx(48.5e9));
  CHECK(CollectiveTimes(hopper(4, 2)).choice(CollectiveKind::all_gather, Bytes(kGibibyte)).rails == 2);
  // An all-to-all cannot share NICs: of 4·8 blocks, 24 leave through the device's own NIC.
  CHECK(exchange_bandwidth(hopper(4, 8)).value() == Approx(48.5e9 * 32 / 24));
}

TEST_CASE("over many nodes short all-reduces go through a tree") {
  // The gradient norm's 4 bytes over 16,384 ranks: 6.8 + 2·(7·0.6 + 11·5); a ring would take 40 ms.
  const CollectiveTimes everyone(hopper(2048, 8));
  CHECK(to_string(everyone.choice(CollectiveKind::all_reduce, Bytes(4))) == "tree, LL");
  CHECK(micros(everyone.time(CollectiveKind::all_reduce, Bytes(4))) == Approx(125.2).epsilon(1e-4));
}

TEST_CASE("NVLS trees pass sums between two nodes at full rate, and through longer trees at less") {
  // Two nodes: 308·8/9 = 274 GB/s from the switch, 388 from the NICs.
  CHECK(cost(algorithm_costs(CollectiveKind::all_reduce, hopper(2, 8)), CollectiveAlgorithm::nvls_tree)
            .bandwidth.value() == Approx(308e9 * 8 / 9));
  // Four: 0.54 of it, below the 194 that NICs carrying everything twice allow.
  CHECK(cost(algorithm_costs(CollectiveKind::all_reduce, hopper(4, 8)), CollectiveAlgorithm::nvls_tree)
            .bandwidth.value() == Approx(0.54 * 308e9 * 8 / 9));
}

TEST_CASE("with one member per node, medium gathers take parallel trees") {
  // 64 nodes, 4 MiB. PAT: 8 + 6·14/3.5 + 64·2.8 = 211.2 us and 63/64·4 MiB at 0.75·48.5 GB/s = 113.5 us.
  // LL: 6.6 + 63·2.7 = 176.7 us and 170 us at half the NIC; LL128, at 0.7, and Simple have longer steps.
  const CollectiveTimes times(hopper(64, 1));
  CHECK(to_string(times.choice(CollectiveKind::all_gather, Bytes(4 * kMebibyte))) == "PAT, Simple");
  CHECK(micros(times.time(CollectiveKind::all_gather, Bytes(4 * kMebibyte))) ==
        Approx(211.2 + 63.0 / 64.0 * 4.0 * static_cast<double>(kMebibyte) / (0.75 * 48.5e3)));
}

TEST_CASE("a slower network adds to every hop, a faster one shortens all") {
  GroupLinks links = hopper(4, 8);
  links.across.latency = Seconds(89e-6);  // 75 us more
  // 6.8 + 2·(7·0.6 + 2·(5 + 75))
  CHECK(micros(cost(algorithm_costs(CollectiveKind::all_reduce, links), kTree, kLl).latency) ==
        Approx(335.2));
  links.across.latency = Seconds(7e-6);
  CHECK(micros(cost(algorithm_costs(CollectiveKind::all_reduce, links), kTree, kLl).latency) == Approx(25.2));
}

TEST_CASE("what is fixed comes on top of everything once") {
  GroupLinks links = hopper(2, 8);
  links.nccl->fixed = Seconds(20e-6);
  for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                    CollectiveKind::reduce_scatter, CollectiveKind::all_to_all}) {
    const AlgorithmCosts with = algorithm_costs(kind, links);
    const AlgorithmCosts without = algorithm_costs(kind, hopper(2, 8));
    REQUIRE(with.all().size() == without.all().size());
    for (std::size_t i = 0; i < with.all().size(); ++i)
      CHECK(micros(with.all()[i].latency - without.all()[i].latency) == Approx(20.0));
  }
  CHECK(micros(transfer_cost(links).latency) == Approx(34.0));
}

TEST_CASE("a transfer takes one step and its own NIC") {
  // 1 GB: 3.4 us and 1/370 s in the node, 14 us and 1/48.5 s across.
  CHECK(transfer_cost(hopper(1, 2)).time(Bytes(1'000'000'000)).value() == Approx(3.4e-6 + 1.0 / 370.0));
  CHECK(transfer_cost(hopper(2, 8)).time(Bytes(1'000'000'000)).value() == Approx(14e-6 + 1.0 / 48.5));
}

TEST_CASE("trees fall short at medium sizes as NCCL's table says") {
  CHECK(nccl::tree_correction(kLl, Bytes(0)) == 1.0);
  CHECK(nccl::tree_correction(kLl, Bytes(256 * kKibibyte)) == Approx(0.4));
  CHECK(nccl::tree_correction(kSimple, Bytes(2 * kMebibyte)) == Approx(0.6));
  CHECK(nccl::tree_correction(kLl128, Bytes(kGibibyte)) == 1.0);
  // Halfway between 0.5 at 1 MiB and 0.6 at 2 MiB, over the logarithm.
  const auto between = static_cast<std::int64_t>(std::sqrt(2.0) * static_cast<double>(kMebibyte));
  CHECK(nccl::tree_correction(kSimple, Bytes(between)) == Approx(0.55));
}

TEST_CASE("in a node medium messages reach a part of the bandwidth, long ones all of it") {
  CHECK(nccl::share_at(0.7, Bytes(0), 8) == Approx(0.7));
  CHECK(nccl::share_at(0.7, Bytes(16 * kMebibyte), 8) == Approx(0.7));
  // Three of six doublings above 16 MiB: half of what is missing.
  CHECK(nccl::share_at(0.7, Bytes(128 * kMebibyte), 8) == Approx(0.85));
  CHECK(nccl::share_at(0.7, Bytes(kGibibyte), 8) == Approx(1.0));
  CHECK(nccl::share_at(0.7, Bytes(16 * kGibibyte), 8) == 1.0);
  // What counts is each member's part: 72 members share 144 MiB as 8 share 16.
  CHECK(nccl::share_at(0.7, Bytes(144 * kMebibyte), 72) == Approx(0.7));
  CHECK(nccl::share_at(0.7, Bytes(1152 * kMebibyte), 72) == Approx(0.85));
  // 16 MiB through NVLS: 25 us, and the bytes at 3/4 of 308·8/9 GB/s.
  CHECK(micros(CollectiveTimes(hopper(1, 8)).time(CollectiveKind::all_reduce, Bytes(16 * kMebibyte))) ==
        Approx(25.0 + 16.0 * static_cast<double>(kMebibyte) / (0.75 * 308e3 * 8.0 / 9.0)));
}

TEST_CASE("without NCCL a group has one way: the ring, or pairwise exchange") {
  GroupLinks links = hopper(2, 4);
  links.nccl.reset();
  const AlgorithmCosts reduce = algorithm_costs(CollectiveKind::all_reduce, links);
  REQUIRE(reduce.all().size() == 1);
  CHECK(to_string(reduce.all()[0].choice) == "ring");
  // 14 steps, 2 of them across.
  CHECK(micros(reduce.all()[0].latency) == Approx(12 * 3.4 + 2 * 14.0));
  CHECK(to_string(algorithm_costs(CollectiveKind::all_to_all, links).all()[0].choice) == "pairwise");
}

TEST_CASE("a group of one takes no time for anything") {
  const CollectiveTimes alone;
  CHECK(alone.time(CollectiveKind::all_reduce, Bytes(kGibibyte)) == Seconds());
  CHECK(alone.transfer(Bytes(kGibibyte)) == Seconds());
  CHECK(CollectiveTimes(GroupLinks{}).time(CollectiveKind::all_to_all, Bytes(kGibibyte)) == Seconds());
}

// ---- Laws, on shapes drawn with a fixed seed.

namespace {

constexpr std::array kCollectives{CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                  CollectiveKind::reduce_scatter, CollectiveKind::all_to_all};

class Shapes {
 public:
  std::int64_t up_to(std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(1, most)(engine_);
  }
  /// Evenly over their magnitudes, 1 B … 16 GiB.
  Bytes payload() { return Bytes(up_to(std::int64_t{1} << up_to(34))); }
  GroupLinks links() {
    GroupLinks links = hopper(up_to(2) == 1 ? 1 : up_to(300), up_to(8));
    if (links.members == 1) links = hopper(2, 1);
    links.nccl->generation = static_cast<NcclGeneration>(up_to(4) - 1);
    links.inside.latency *= static_cast<double>(up_to(300)) / 100.0;
    links.across.latency *= static_cast<double>(up_to(300)) / 100.0;
    links.nccl->fixed = Seconds(1e-6 * static_cast<double>(up_to(50)));
    return links;
  }

 private:
  std::mt19937_64 engine_{20260402};
};

void check_never_slower(const GroupLinks& better, const GroupLinks& links, Bytes payload) {
  for (const CollectiveKind kind : kCollectives) {
    // With a fixed algorithm, and with the chosen one.
    const AlgorithmCosts fast = algorithm_costs(kind, better);
    const AlgorithmCosts slow = algorithm_costs(kind, links);
    REQUIRE(fast.all().size() == slow.all().size());
    for (std::size_t i = 0; i < fast.all().size(); ++i)
      CHECK(fast.all()[i].time(payload) <= slow.all()[i].time(payload));
    CHECK(fast.fastest(payload).time(payload) <= slow.fastest(payload).time(payload));
  }
  CHECK(transfer_cost(better).time(payload) <= transfer_cost(links).time(payload));
}

}  // namespace

TEST_CASE("more bandwidth or less latency never makes a collective of NCCL slower") {
  Shapes shapes;
  for (int round = 0; round < 200; ++round) {
    const GroupLinks links = shapes.links();
    const Bytes payload = shapes.payload();
    const double factor = 1.0 + static_cast<double>(shapes.up_to(1000)) / 100.0;
    GroupLinks better = links;
    better.inside.bandwidth *= factor;
    check_never_slower(better, links, payload);
    better = links;
    better.across.bandwidth *= factor;
    check_never_slower(better, links, payload);
    better = links;
    better.nccl->nvls_bandwidth *= factor;
    check_never_slower(better, links, payload);
    better = links;
    better.inside.latency /= factor;
    check_never_slower(better, links, payload);
    better = links;
    better.across.latency /= factor;
    check_never_slower(better, links, payload);
    better = links;
    better.nccl->fixed /= factor;
    check_never_slower(better, links, payload);
  }
}

TEST_CASE("more bytes never take less time, whatever is chosen") {
  Shapes shapes;
  for (int round = 0; round < 1000; ++round) {
    const CollectiveTimes times(shapes.links());
    const Bytes payload = shapes.payload();
    const Bytes more = payload + shapes.payload();
    for (const CollectiveKind kind : kCollectives) CHECK(times.time(kind, payload) <= times.time(kind, more));
    CHECK(times.transfer(payload) <= times.transfer(more));
    CHECK(times.time(CollectiveKind::all_reduce, Bytes(0)) > Seconds());
  }
}
