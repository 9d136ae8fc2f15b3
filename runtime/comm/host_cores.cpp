#include "runtime/comm/host_cores.hpp"

#include <bit>
#include <fstream>
#include <sched.h>

#include <fmt/format.h>

namespace foreshard {
namespace {

constexpr int kMostCores = 8 * static_cast<int>(std::tuple_size_v<CoreSet>);

bool contains(const CoreSet& cores, int core) {
  return (cores[static_cast<std::size_t>(core / 8)] >> (core % 8) & 1) != 0;
}

/// The first hardware thread of the core to which `thread` belongs; `thread` itself if the system does not
/// say.
int first_sibling(int thread) {
  std::ifstream list(fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", thread));
  int first = thread;
  if (!(list >> first) || first < 0 || first >= kMostCores) return thread;
  return first;
}

}  // namespace

CoreSet usable_cores() {
  CoreSet cores{};
  cpu_set_t threads;
  CPU_ZERO(&threads);
  // The call fails if the kernel's mask is wider than cpu_set_t: one core is a safe answer then.
  if (sched_getaffinity(0, sizeof threads, &threads) != 0) {
    cores[0] = 1;
    return cores;
  }
  for (int thread = 0; thread < kMostCores; ++thread) {
    if (!CPU_ISSET(static_cast<std::size_t>(thread), &threads)) continue;
    const int core = first_sibling(thread);
    cores[static_cast<std::size_t>(core / 8)] |= static_cast<std::uint8_t>(1U << (core % 8));
  }
  return cores;
}

std::int64_t count_cores(const CoreSet& cores) {
  std::int64_t count = 0;
  for (const std::uint8_t byte : cores) count += std::popcount(byte);
  return count;
}

std::string core_list(const CoreSet& cores) {
  std::string list;
  for (int core = 0; core < kMostCores; ++core) {
    if (!contains(cores, core)) continue;
    const int first = core;
    while (core + 1 < kMostCores && contains(cores, core + 1)) ++core;
    if (!list.empty()) list += ',';
    list += first == core ? fmt::format("{}", first) : fmt::format("{}-{}", first, core);
  }
  return list;
}

}  // namespace foreshard
