#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "planner/trace/kernel_class.hpp"
#include "planner/trace/kineto_json.hpp"
#include "planner/units/quantity.hpp"

namespace foreshard {

/// All collectives of one kind, size and process group.
struct TracedCollective {
  std::string_view kind;  ///< as collective_word() says it
  std::string group;      ///< name of the process group; empty where the trace does not say it
  std::string description;
  std::vector<std::int64_t> ranks;
  std::int64_t members = 0;  ///< 0: unknown
  Bytes payload;             ///< as nccl-tests counts it; 0: unknown
  std::int64_t calls = 0;    ///< in all steps
  Seconds time;              ///< of all calls, whether or not a kernel ran beside them
  Seconds exposed;           ///< while nothing else ran on the device
};

/// How the device of a trace spent its steps. Every instant has one cause: the compute kernel that began first of those
/// that run, else the collective, else idleness. Sums over all steps.
struct TracedSteps {
  std::vector<Seconds> steps;                    ///< durations; one, of the whole trace, where it marks none
  bool are_marked = false;                       ///< the trace has ProfilerStep#… annotations
  Seconds window;                                ///< from the first step's begin to the last one's end
  std::array<Seconds, kTracePartCount> parts{};  ///< by TracePart; of collectives the exposed time
  std::vector<TracedCollective> collectives;     ///< most time first
  Seconds host;                                  ///< idle, and the next kernel had not been launched yet
  Seconds other;  ///< idle, although the next kernel had been launched: it waits for something else
  std::int64_t kernels = 0;
};

/// Collects the events of a trace. Holds some 32 bytes for each kernel and each launch,
/// whatever the size of the file.
class TraceSums {
 public:
  void add(const TraceEvent& event);
  /// The sums of the device with most kernels. @param header with the process groups
  [[nodiscard]] TracedSteps finish(const TraceHeader& header) const;

 private:
  struct Kernel {
    double begin = 0.0;  // microseconds
    double end = 0.0;
    std::uint32_t kind = 0;  // a TracePart, or kTracePartCount + index of a collective
    std::uint32_t device = 0;
    std::int64_t correlation = -1;
  };
  using CollectiveKey = std::tuple<std::string_view, std::string, std::int64_t>;  // kind, group, bytes

  std::uint32_t kind_of(const TraceEvent& event);

  std::vector<Kernel> kernels_;
  std::unordered_map<std::int64_t, double> launches_;  // by correlation
  std::vector<std::pair<double, double>> steps_;
  std::vector<TracedCollective> collectives_;
  std::map<CollectiveKey, std::uint32_t> known_;
};

}  // namespace foreshard
