#include "sim/network/flow_network.hpp"

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/network/link_series.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

constexpr double kGb = 1e9;
constexpr std::int64_t kMillisecond = 1'000'000'000;  // in picoseconds

FlowSet flow(const std::vector<LinkUse>& uses, double gigabytes, std::uint64_t tag, double cap = 1e6,
             std::int64_t latency_ms = 0) {
  return {.uses = uses,
          .bytes = gigabytes * kGb,
          .cap = BytesPerSecond(cap * kGb),
          .latency = SimTime(latency_ms * kMillisecond),
          .tag = tag};
}

/// Runs to the end and returns (tag, end in milliseconds) of every set, in the order in which they end.
std::vector<std::pair<std::uint64_t, std::int64_t>> run(FlowNetwork& network) {
  std::vector<std::pair<std::uint64_t, std::int64_t>> ends;
  while (network.next_time()) {
    if (const auto tag = network.advance())
      ends.emplace_back(*tag, network.now().picoseconds() / kMillisecond);
  }
  return ends;
}

using Ends = std::vector<std::pair<std::uint64_t, std::int64_t>>;

}  // namespace

TEST_CASE("a flow alone takes latency and bytes over the least of link and cap") {
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb), BytesPerSecond(4 * kGb)};
  FlowNetwork network(links);
  const std::vector<LinkUse> both{{0}, {1}};
  SECTION("link") {
    network.start(flow(both, 8.0, 1, 100.0, 5), SimTime());
    CHECK(run(network) == Ends{{1, 2005}});
  }
  SECTION("cap") {
    network.start(flow(both, 8.0, 1, 2.0), SimTime());
    CHECK(run(network) == Ends{{1, 4000}});
  }
  SECTION("no link at all") {
    network.start(flow({}, 8.0, 1, 2.0), SimTime());
    CHECK(run(network) == Ends{{1, 4000}});
  }
  SECTION("no bytes") {
    network.start(flow(both, 0.0, 1, 2.0, 5), SimTime());
    CHECK(run(network) == Ends{{1, 5}});
  }
  CHECK(network.next_time() == std::nullopt);
}

TEST_CASE("flows that come and go change each other's rates") {
  // The link carries 10 GB/s. The first set has 100 GB and has moved 20 after 2 s. Then both run at 5 GB/s:
  // the second's 50 GB take 10 s, until 12 s. The first then has 30 GB left and the link to itself: it ends
  // at 15 s.
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb)};
  FlowNetwork network(links);
  const std::vector<LinkUse> link{{0}};
  network.start(flow(link, 100.0, 1), SimTime());
  network.start(flow(link, 50.0, 2, 1e6, 2000), SimTime());
  CHECK(run(network) == Ends{{2, 12'000}, {1, 15'000}});
  CHECK(network.carried(0) == Approx(150 * kGb));
}

TEST_CASE("a set on another link feels a neighbour's neighbour") {
  // A crosses both links, B the first, C the second; capacities 10 and 4 GB/s. C starts at 1 s. Before, the
  // rates are A = 4 (limited by the second link) and B = 6. After, A = C = 2 and B = 8. A moves 4 GB in the
  // first second, then 2 GB per second: its 12 GB end at 5 s. B moves 6 + 8·4 = 38 GB until 5 s, too.
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb), BytesPerSecond(4 * kGb)};
  FlowNetwork network(links);
  const std::vector<LinkUse> both{{0}, {1}};
  const std::vector<LinkUse> first{{0}};
  const std::vector<LinkUse> second{{1}};
  network.start(flow(both, 12.0, 1), SimTime());
  network.start(flow(first, 38.0, 2), SimTime());
  network.start(flow(second, 8.0, 3, 1e6, 1000), SimTime());
  const Ends ends = run(network);
  REQUIRE(ends.size() == 3);
  for (const auto& [tag, end] : ends) CHECK(end == 5000);
}

TEST_CASE("caps that leave room disturb nobody") {
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb)};
  FlowNetwork network(links);
  const std::vector<LinkUse> link{{0}};
  network.start(flow(link, 30.0, 1, 3.0), SimTime());
  network.start(flow(link, 35.0, 2, 7.0), SimTime());
  CHECK(run(network) == Ends{{2, 5000}, {1, 10'000}});
}

TEST_CASE("many sets at once share alike and leave nothing behind") {
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb)};
  FlowNetwork network(links);
  const std::vector<LinkUse> link{{0}};
  for (int round = 0; round < 3; ++round) {
    const SimTime now = network.now();
    for (std::uint64_t tag = 0; tag < 20; ++tag) network.start(flow(link, 1.0, tag), now);
    const Ends ends = run(network);
    REQUIRE(ends.size() == 20);
    for (const auto& end : ends) CHECK(end.second == 2000 * (round + 1));
  }
}

TEST_CASE("a series of what a link carried adds up, and grows coarser with time") {
  const std::vector<BytesPerSecond> links{BytesPerSecond(10 * kGb), BytesPerSecond(10 * kGb)};
  FlowNetwork network(links);
  LinkSeries series({true, false});
  network.listen(series);
  const std::vector<LinkUse> both{{0, 2.0}, {1, 2.0}};
  // 2 flows of 5 GB at 2.5 GB/s each from 1 s to 3 s.
  network.start(flow(both, 5.0, 1, 2.5, 1000), SimTime());
  run(network);
  CHECK(series.bytes(1).empty());
  // 1 us · 512 doubles to 2^23 us · … until 3 s fit: 3e6 / 512 = 5859 intervals of 1 us, so 8192 us each.
  CHECK(series.interval() == SimTime(8192 * std::int64_t{1'000'000}));
  double sum = 0.0;
  for (const double bytes : series.bytes(0)) sum += bytes;
  CHECK(sum == Approx(10 * kGb).epsilon(1e-9));
  // 2 s lie in interval 244 (1.9988 … 2.007 s): full at 5 GB/s.
  CHECK(series.bytes(0)[244] == Approx(5 * kGb * 8192e-6).epsilon(1e-6));
  CHECK(series.bytes(0)[100] == 0.0);
}
