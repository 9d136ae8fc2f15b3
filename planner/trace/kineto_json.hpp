#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <optional>
#include <string>
#include <vector>

namespace foreshard {

/// One complete event ("ph": "X") of a trace of PyTorch's profiler (Kineto, Chrome's trace format). What an event does
/// not have is empty, 0 or −1.
struct TraceEvent {
  std::string name;
  std::string category;  ///< "kernel", "gpu_memcpy", "cuda_runtime", "user_annotation", …
  double begin_us = 0.0;
  double duration_us = 0.0;
  std::int64_t device = -1;
  std::int64_t correlation = -1;  ///< of a kernel and the call that launched it
  // Of a collective, where the profiler knows it:
  std::string collective;  ///< "allreduce", "_allgather_base", …
  std::string group;       ///< name of the process group
  std::string group_description;
  std::string group_ranks;  ///< "[0, 1, 2, 3]"
  std::int64_t group_size = 0;
  std::int64_t in_elements = 0;
  std::int64_t out_elements = 0;
  std::string dtype;  ///< "Float", "BFloat16"
};

struct TraceGroup {
  std::string name;
  std::string description;
  std::vector<std::int64_t> ranks;
};

/// What a trace says of the run.
struct TraceHeader {
  std::optional<std::int64_t> rank;
  std::optional<std::int64_t> world_size;
  std::string device;  ///< name of the first device
  std::vector<TraceGroup> groups;
};

/// Reads a trace and calls `use` for every complete event, in the order of the file. Holds one event at a time.
/// @throws SpecError if the text is not JSON, is cut off, or has no traceEvents
TraceHeader read_kineto(std::istream& in, const std::string& name,
                        const std::function<void(const TraceEvent&)>& use);

/// "[0, 1, 2]" as numbers; empty where it is anything else, such as a list that the profiler has shortened.
std::vector<std::int64_t> ranks_in(const std::string& text);

}  // namespace foreshard
