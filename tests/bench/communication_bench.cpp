// What the links between the ranks at hand can do: median time and rate per operation and size.
//
//   mpirun -n 4 communication_bench [SECONDS_PER_MEASUREMENT [LARGEST_BYTES]]
//
// Rates are payload over time; an all-reduce over n ranks moves 2(n−1)/n of its payload per rank, a gather or
// scatter (n−1)/n. Then, for calls of several pieces, one call against one call per piece.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "runtime/comm/before_run.hpp"
#include "runtime/comm/mpi_communicator.hpp"
#include "runtime/comm/mpi_session.hpp"
#include "runtime/device/cpu/cpu_device.hpp"
#include "runtime/measure/measure_link.hpp"

namespace foreshard {
namespace {

Device& host_memory() {
  static CpuDevice device;
  return device;
}

void print_operation(Communicator& communicator, LinkOperation operation, std::int64_t largest,
                     const LinkBudget& budget) {
  for (std::int64_t bytes = 4; bytes <= largest; bytes *= 4) {
    const LinkTime time =
        measure_link(host_memory(), communicator, GroupKind::world, operation, Bytes(bytes), budget);
    if (communicator.rank() != Rank(0)) continue;
    std::printf("%-15s %5lld %12lld %14.2f %10.2f %10.2f %10.3f %8lld\n",
                std::string(to_string(operation)).c_str(), static_cast<long long>(time.ranks),
                static_cast<long long>(bytes), time.median.value() * 1e6, time.lower_quartile.value() * 1e6,
                time.upper_quartile.value() * 1e6, static_cast<double>(bytes) / time.median.value() * 1e-9,
                static_cast<long long>(time.samples));
    std::fflush(stdout);
  }
}

/// Seconds of an all-reduce of `count` pieces of `bytes` each, as one call or as many; the least of several.
double time_pieces(Communicator& communicator, std::int64_t count, std::int64_t bytes, bool as_one) {
  std::vector<float> numbers(static_cast<std::size_t>(count * bytes / 4), 1.0F);
  std::vector<Piece> pieces;
  for (std::int64_t i = 0; i < count; ++i) {
    const Buffer buffer{.data = reinterpret_cast<std::byte*>(numbers.data()) + i * bytes,
                        .elements = bytes / 4};
    pieces.push_back({.send = buffer, .receive = buffer});
  }
  const auto call = [&](std::span<const Piece> some) {
    communicator.run(
        {.group = GroupKind::world, .reduction = Reduction::max, .in_place = true, .pieces = some});
  };
  double least = 1e9;
  for (int round = 0; round < 20; ++round) {
    communicator.barrier();
    const auto start = std::chrono::steady_clock::now();
    if (as_one) {
      call(pieces);
    } else {
      for (const Piece& piece : pieces) call(std::span(&piece, 1));
    }
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    least = std::min(least, communicator.max_over_world(took));
  }
  return least;
}

void print_pieces(Communicator& communicator, std::int64_t largest) {
  if (communicator.rank() == Rank(0))
    std::printf("\n%12s %8s %14s %14s\n", "piece bytes", "pieces", "one call us", "one each us");
  for (std::int64_t bytes = 256; bytes * 8 <= largest; bytes *= 4) {
    const double one = time_pieces(communicator, 8, bytes, true);
    const double each = time_pieces(communicator, 8, bytes, false);
    if (communicator.rank() == Rank(0))
      std::printf("%12lld %8d %14.2f %14.2f\n", static_cast<long long>(bytes), 8, one * 1e6, each * 1e6);
  }
}

}  // namespace
}  // namespace foreshard

int main(int argc, char** argv) {
  using namespace foreshard;
  MpiSession session(argc, argv);
  LinkBudget budget;
  if (argc > 1) budget.time = Seconds(std::atof(argv[1]));
  const std::int64_t largest = argc > 2 ? std::atoll(argv[2]) : std::int64_t{16} << 20;
  ParallelismSpec stages;
  stages.pp = static_cast<decltype(stages.pp)>(session.size());
  MpiCommunicator communicator(session, DeviceMesh(stages));
  if (session.rank() == Rank(0)) {
    std::printf("%s, %lld ranks, %lld on this host of %lld cores\n", session.library().c_str(),
                static_cast<long long>(session.size()), static_cast<long long>(session.local_ranks()),
                static_cast<long long>(session.host_cores()));
    const auto remark = oversubscription_remark(session.local_ranks(), session.host_cores(), session.host());
    if (remark) std::printf("%s\n", remark->c_str());
    std::printf("%-15s %5s %12s %14s %10s %10s %10s %8s\n", "operation", "ranks", "bytes", "median us",
                "25% us", "75% us", "GB/s", "samples");
  }
  for (std::size_t i = 0; i < kLinkOperationCount; ++i) {
    const auto operation = static_cast<LinkOperation>(i);
    const bool between_stages = operation == LinkOperation::transfer || operation == LinkOperation::exchange;
    if (between_stages && session.size() == 1) continue;
    print_operation(communicator, operation, largest, budget);
  }
  print_pieces(communicator, largest);
}
