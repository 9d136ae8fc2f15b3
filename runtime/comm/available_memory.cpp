#include "runtime/comm/available_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <limits>
#include <string>

namespace foreshard {
namespace {

constexpr std::int64_t kUnlimited = std::numeric_limits<std::int64_t>::max();

/// MemAvailable of /proc/meminfo, which is in KiB.
std::int64_t available_to_host() {
  std::ifstream lines("/proc/meminfo");
  for (std::string key, rest; lines >> key; std::getline(lines, rest)) {
    std::int64_t kibibytes = 0;
    if (key == "MemAvailable:" && lines >> kibibytes) return kibibytes * 1024;
  }
  return kUnlimited;
}

/// What this process's control group (version 2; each container has one) has left.
std::int64_t left_by_control_group() {
  std::int64_t limit = 0;
  std::int64_t used = 0;
  // The file has "max" if there is no limit.
  if (!(std::ifstream("/sys/fs/cgroup/memory.max") >> limit)) return kUnlimited;
  if (!(std::ifstream("/sys/fs/cgroup/memory.current") >> used)) return kUnlimited;
  return std::max<std::int64_t>(limit - used, 0);
}

}  // namespace

Bytes available_memory() { return Bytes(std::min(available_to_host(), left_by_control_group())); }

}  // namespace foreshard
