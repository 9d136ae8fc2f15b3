// Two groups of two ranks use one link between hosts at the same time: do they take as long as the flow network says?
//
//   mpirun -n 4 shared_link [LIMIT]
//
// Ranks 0 and 2 are one group, 1 and 3 the other; the link lies between the first two hosts and the last two. Each group
// does a number of all-reduces, alone and then beside the other group. The prediction starts from what groups reach alone,
// as a cluster's bandwidth and efficiency do. Exit code 1 if a prediction is off by more than LIMIT, a share.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "sim/network/flow_network.hpp"

using namespace foreshard;

namespace {

constexpr std::int64_t kElements = 500'000;
constexpr double kBytes = 4.0 * kElements;  // payload of an all-reduce
constexpr std::size_t kGroups = 2;
/// All-reduces of each group: the first goes on when the second has ended.
constexpr std::array<int, kGroups> kCalls{9, 4};

/// All-reduces of two ranks: each sends 2(n − 1)/n = 1 times the payload over the link.
void all_reduce(Communicator& communicator, std::vector<float>& numbers, int calls) {
  const Buffer buffer{.data = reinterpret_cast<std::byte*>(numbers.data()), .elements = kElements};
  const Piece piece{.send = buffer, .receive = buffer};
  for (int call = 0; call < calls; ++call)
    communicator.run(
        {.group = GroupKind::dp, .reduction = Reduction::max, .in_place = true, .pieces = {&piece, 1}});
}

/// Seconds that each group takes, if those of `at_work` are at work.
std::array<double, kGroups> measure(Communicator& communicator, std::array<bool, kGroups> at_work) {
  const auto own = static_cast<std::size_t>(communicator.rank().value()) % kGroups;
  std::vector<float> numbers(kElements, 1.0F);
  communicator.barrier();
  const auto start = std::chrono::steady_clock::now();
  if (at_work[own]) all_reduce(communicator, numbers, kCalls[own]);
  const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::array<double, kGroups> seconds{};
  for (std::size_t group = 0; group < kGroups; ++group)
    seconds[group] = communicator.max_over_world(group == own ? took : 0.0);
  return seconds;
}

/// The same by the flow network: both groups on a link that carries what they reach alone on average, each no faster than
/// alone.
std::array<double, kGroups> predict(const std::array<double, kGroups>& alone) {
  const double link = (kCalls[0] + kCalls[1]) * kBytes / (alone[0] + alone[1]);
  FlowNetwork network(std::array{BytesPerSecond(link)});
  const std::array<LinkUse, 1> uses{LinkUse{0}};
  for (std::size_t group = 0; group < kGroups; ++group) {
    const double bytes = kCalls[group] * kBytes;
    network.start({.uses = uses,
                   .bytes = bytes,
                   .cap = BytesPerSecond(bytes / alone[group]),
                   .latency = {},
                   .tag = group},
                  SimTime());
  }
  std::array<double, kGroups> ends{};
  while (network.next_time()) {
    if (const auto group = network.advance()) ends[*group] = network.now().seconds().value();
  }
  return ends;
}

}  // namespace

int main(int argc, char** argv) {
  MpiSession session(argc, argv);
  if (session.size() != 4) {
    std::fprintf(stderr, "mpirun -n 4 shared_link [LIMIT]\n");
    return 2;
  }
  const double limit = argc > 1 ? std::atof(argv[1]) : 0.0;
  ParallelismSpec two_groups;
  two_groups.tp = 2;
  two_groups.dp = 2;
  MpiCommunicator communicator(session, DeviceMesh(two_groups));
  measure(communicator, {true, true});  // connects the ranks
  std::array<double, kGroups> alone{};
  alone[0] = measure(communicator, {true, false})[0];
  alone[1] = measure(communicator, {false, true})[1];
  const std::array<double, kGroups> together = measure(communicator, {true, true});
  if (session.rank() != Rank(0)) return 0;
  bool is_near = true;
  const std::array<double, kGroups> predicted = predict(alone);
  for (std::size_t group = 0; group < kGroups; ++group) {
    const double error = predicted[group] / together[group] - 1.0;
    std::printf("ranks %zu and %zu: %.3f s alone, %.3f s beside the other two, predicted %.3f s (%+.1f%%)\n",
                group, group + 2, alone[group], together[group], predicted[group], 100.0 * error);
    is_near = is_near && (limit == 0.0 || std::abs(error) <= limit);
  }
  return is_near ? 0 : 1;
}
