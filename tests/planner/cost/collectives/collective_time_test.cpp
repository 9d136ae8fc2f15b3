#include "tests/planner/cost/hand_built.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using namespace foreshard::test;

namespace {
constexpr Bytes kPayload(8'000'000'000);  // 8 GB: 40 ms at the 200 GB/s inside a node

double seconds(const JobSpec& job, CollectiveKind kind, GroupKind group, Bytes payload = kPayload) {
  return CostModel(job).collective_time(kind, payload, group).value();
}
}  // namespace

TEST_CASE("a ring sends whole bytes, rounded up") {
  // 2·3/4 · 1000 and 3/4 · 1000
  CHECK(ring_bytes_sent(CollectiveKind::all_reduce, Bytes(1000), 4) == Bytes(1500));
  CHECK(ring_bytes_sent(CollectiveKind::all_gather, Bytes(1000), 4) == Bytes(750));
  CHECK(ring_bytes_sent(CollectiveKind::reduce_scatter, Bytes(1000), 4) == Bytes(750));
  CHECK(ring_bytes_sent(CollectiveKind::all_to_all, Bytes(1000), 4) == Bytes(750));
  // 2·2/3 · 10 = 13.3 and 2/3 · 10 = 6.7: an all-reduce is not twice the rounded gather.
  CHECK(ring_bytes_sent(CollectiveKind::all_reduce, Bytes(10), 3) == Bytes(14));
  CHECK(ring_bytes_sent(CollectiveKind::all_gather, Bytes(10), 3) == Bytes(7));
}

TEST_CASE("a group of one sends nothing") {
  const CollectiveKind kind = GENERATE(CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                       CollectiveKind::reduce_scatter, CollectiveKind::all_to_all);
  CHECK(ring_bytes_sent(kind, Bytes(1000), 1) == Bytes(0));
  CHECK(seconds(round_job(), kind, GroupKind::tp) == 0.0);
}

TEST_CASE("bytes sent do not overflow on the way") {
  // 2 · 16,383 · 2^50 passes 2^63; the quotient by 16,384 does not.
  const Bytes petabyte(std::int64_t{1} << 50);
  // 2^51 · 16383/16384 = 2^51 − 2^37
  CHECK(ring_bytes_sent(CollectiveKind::all_reduce, petabyte, 16'384) ==
        Bytes((std::int64_t{1} << 51) - (std::int64_t{1} << 37)));
}

TEST_CASE("a ring inside a node: steps times latency, and the bytes sent over the link") {
  const JobSpec job = round_job({.tp = 8});
  // Gather and scatter: 7 steps of 1 us, 7/8 · 8 GB at 200 GB/s = 35 ms. The all-reduce is both.
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::tp) == Approx(35.007e-3));
  CHECK(seconds(job, CollectiveKind::reduce_scatter, GroupKind::tp) == Approx(35.007e-3));
  CHECK(seconds(job, CollectiveKind::all_reduce, GroupKind::tp) == Approx(70.014e-3));
  CHECK(seconds(job, CollectiveKind::all_to_all, GroupKind::tp) == Approx(35.007e-3));
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::tp, Bytes(0)) == Approx(7e-6));
}

TEST_CASE("rings across nodes pool the NICs of their members") {
  // dp 32 on 4 nodes of 8: min(200, 8 · 40) = 200 GB/s. 31 steps, of which 3 cross nodes.
  const JobSpec whole_nodes = round_job({.dp = 32});
  const double latency = 28 * 1e-6 + 3 * 10e-6;
  CHECK(seconds(whole_nodes, CollectiveKind::all_gather, GroupKind::dp) ==
        Approx(latency + 31.0 / 32.0 * 8e9 / 200e9));
  CHECK(seconds(whole_nodes, CollectiveKind::all_reduce, GroupKind::dp) ==
        Approx(2 * (latency + 31.0 / 32.0 * 8e9 / 200e9)));

  // Behind tp 4 two members share a node: min(200, 2 · 40) = 80 GB/s. 7 steps, of which 3 cross.
  const JobSpec two_each = round_job({.tp = 4, .dp = 8});
  CHECK(seconds(two_each, CollectiveKind::all_gather, GroupKind::dp) ==
        Approx(4 * 1e-6 + 3 * 10e-6 + 7.0 / 8.0 * 8e9 / 80e9));
}

TEST_CASE("with one member per node a ring has one NIC") {
  const JobSpec job = round_job({.tp = 8, .dp = 4});
  // 3 steps of 10 us, 3/4 · 8 GB at 40 GB/s = 150 ms
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::dp) == Approx(150.03e-3));
  // Gradients of weights that cp ranks share go through the same one.
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::dp_cp) == Approx(150.03e-3));
}

TEST_CASE("oversubscription divides what crosses nodes") {
  JobSpec job = round_job({.tp = 8, .dp = 4});
  job.cluster.network.oversubscription = 2.0;
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::dp) == Approx(300.03e-3));
  // Links inside the node are not affected.
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::tp) == Approx(35.007e-3));
}

TEST_CASE("an all-to-all across nodes goes through each device's own NIC") {
  // ep 16 on 2 nodes of 8. Of 8 GB, 8/16 leave the node: 4 GB at 40 GB/s = 100 ms. The 7/16 that stay in it
  // take 3.5 GB / 200 GB/s = 17.5 ms at the same time. Latency: 7 peers at 1 us, 8 at 10 us.
  const JobSpec job = round_job({.dp = 16, .ep = 16});
  CHECK(seconds(job, CollectiveKind::all_to_all, GroupKind::ep) == Approx(100e-3 + 87e-6));

  // On a network faster than the links, the part that stays in the node takes longest.
  JobSpec fast = job;
  fast.cluster.network.link.bandwidth = BytesPerSecond(1000e9);
  CHECK(seconds(fast, CollectiveKind::all_to_all, GroupKind::ep) == Approx(17.5e-3 + 87e-6));
}

TEST_CASE("pipeline transfers take the link between neighbouring stages") {
  const Bytes payload(2'000'000'000);
  // tp 2 · pp 4 in one node: 2 GB at 200 GB/s = 10 ms, 1 us.
  CHECK(CostModel(round_job({.tp = 2, .pp = 4})).transfer_time(payload).value() == Approx(10.001e-3));
  // tp 8: the next stage is on the next node: 2 GB at 40 GB/s = 50 ms, 10 us.
  const CostModel across(round_job({.tp = 8, .pp = 4}));
  CHECK(across.transfer_time(payload).value() == Approx(50.01e-3));
  // tp 4: stages 1 and 2 are on different nodes, and their transfer is the slowest.
  CHECK(CostModel(round_job({.tp = 4, .pp = 4})).transfer_time(payload).value() == Approx(50.01e-3));
  CHECK(CostModel(round_job({.tp = 8})).transfer_time(payload).value() == 0.0);

  SECTION("for both ends") {
    const StepProgram none;
    CHECK(across.time(make_op(Send{.payload = payload}), none).time.value() == Approx(50.01e-3));
    CHECK(across.time(make_op(Recv{.payload = payload}), none).time.value() == Approx(50.01e-3));
    CHECK(across.time(make_op(Recv{.payload = payload}), none).limit == Limit::network);
  }
}

TEST_CASE("the cost model prices a collective by its own group") {
  const CostModel model(round_job({.tp = 8, .dp = 4}));
  const Op op =
      make_op(Collective{.kind = CollectiveKind::all_gather, .group = GroupKind::dp, .payload = kPayload});
  CHECK(model.time(op, StepProgram{}).time.value() == Approx(150.03e-3));
  CHECK(model.time(op, StepProgram{}).limit == Limit::network);
}

TEST_CASE("NCCL runs the collectives of NVSwitch nodes that have it; others run plain rings") {
  JobSpec job = round_job({.tp = 8});
  job.cluster.nccl = NcclSpec{NcclGeneration::ampere, BytesPerSecond(), Seconds(5e-6)};
  const auto choice = [&] {
    return to_string(CostModel(job).collective_choice(CollectiveKind::all_gather, kPayload, GroupKind::tp));
  };
  CHECK(choice() == "ring, Simple");
  // Base 8.4 us and 7 steps of 1 us, 5 us fixed; 35 ms.
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::tp) == Approx(35.0204e-3));
  job.cluster.fabric = NodeFabric::pcie;
  CHECK(choice() == "ring");
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::tp) == Approx(35.007e-3));
}

TEST_CASE("a group over a tier that the cluster has not is refused by name") {
  JobSpec job = round_job({.tp = 8, .dp = 4});
  SECTION("inside the node") {
    job.cluster.link = {};
    CHECK_THROWS_WITH(
        CostModel(job),
        "group tp spans 8 devices of a node, but cluster round-cluster has no link between them");
  }
  SECTION("across nodes") {
    job.cluster.network.link = {};
    CHECK_THROWS_WITH(CostModel(job),
                      "group dp spans 4 nodes, but cluster round-cluster has no network between them");
  }
}

TEST_CASE("one device per node needs no link inside it") {
  JobSpec job = round_job({.dp = 4});
  job.cluster.devices_per_node = 1;
  job.cluster.link = {};
  CHECK(seconds(job, CollectiveKind::all_gather, GroupKind::dp) == Approx(150.03e-3));
}
