#include "planner/trace/trace_sums.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace foreshard {
namespace {

/// Bytes of an element by the name that PyTorch gives its type; 0 if it is not known.
std::int64_t bytes_of_type(const std::string& type) {
  if (type == "Float" || type == "Int") return 4;
  if (type == "BFloat16" || type == "Half") return 2;
  if (type == "Double" || type == "Long") return 8;
  return type == "Byte" || type == "Char" || type == "Bool" || type.starts_with("Float8") ? 1 : 0;
}

bool is_on_device(const std::string& category) {
  return category == "kernel" || category == "Kernel" || category == "gpu_memcpy" ||
         category == "gpu_memset" || category == "Memcpy" || category == "Memset";
}

constexpr double kMicro = 1e-6;

/// Walks over the kernels of one device in time.
template <class Kernel>
class KernelSweep {
 public:
  KernelSweep(const std::vector<Kernel>& kernels, const std::unordered_map<std::int64_t, double>& launches,
              TracedSteps& steps)
      : kernels_(kernels), launches_(launches), steps_(steps) {}

  /// @pre the kernels are sorted by their begins and clipped to the window
  void run(double begin, double end) {
    struct Point {
      double at;
      bool starts;
      std::uint32_t kernel;
    };
    std::vector<Point> points;
    for (std::uint32_t k = 0; k < kernels_.size(); ++k) {
      points.push_back({kernels_[k].begin, true, k});
      points.push_back({kernels_[k].end, false, k});
    }
    std::stable_sort(points.begin(), points.end(),
                     [](const Point& a, const Point& b) { return a.at < b.at; });
    double now = begin;
    for (const Point& point : points) {
      spend(now, point.at, point.kernel);
      now = std::max(now, point.at);
      std::set<std::uint32_t>& running = is_collective(point.kernel) ? collectives_ : computing_;
      if (point.starts) {
        running.insert(point.kernel);
      } else {
        running.erase(point.kernel);
      }
    }
    spend(now, end, std::nullopt);
  }

 private:
  [[nodiscard]] bool is_collective(std::uint32_t kernel) const {
    return kernels_[kernel].kind >= kTracePartCount;
  }

  /// @param next the kernel that begins or ends at `to`
  void spend(double from, double to, std::optional<std::uint32_t> next) {
    if (!(to > from)) return;
    const Seconds time((to - from) * kMicro);
    if (!computing_.empty()) {
      steps_.parts[kernels_[*computing_.begin()].kind] += time;
    } else if (!collectives_.empty()) {
      steps_.parts[static_cast<std::size_t>(TracePart::collective)] += time;
      steps_.collectives[kernels_[*collectives_.begin()].kind - kTracePartCount].exposed += time;
    } else {
      idle(from, to, next);
    }
  }

  void idle(double from, double to, std::optional<std::uint32_t> next) {
    const auto launch = next ? launches_.find(kernels_[*next].correlation) : launches_.end();
    const double launched = launch == launches_.end() ? from : std::clamp(launch->second, from, to);
    steps_.host += Seconds((launched - from) * kMicro);
    steps_.other += Seconds((to - launched) * kMicro);
  }

  const std::vector<Kernel>& kernels_;
  const std::unordered_map<std::int64_t, double>& launches_;
  TracedSteps& steps_;
  std::set<std::uint32_t> computing_;  // by begin
  std::set<std::uint32_t> collectives_;
};

void name_groups(std::vector<TracedCollective>& collectives, const TraceHeader& header) {
  for (TracedCollective& collective : collectives) {
    for (const TraceGroup& group : header.groups) {
      if (group.name != collective.group) continue;
      if (collective.ranks.empty()) collective.ranks = group.ranks;
      if (collective.description.empty()) collective.description = group.description;
    }
    if (collective.members == 0) collective.members = static_cast<std::int64_t>(collective.ranks.size());
  }
}

}  // namespace

std::uint32_t TraceSums::kind_of(const TraceEvent& event) {
  if (event.category != "kernel" && event.category != "Kernel")
    return static_cast<std::uint32_t>(TracePart::copies);
  const TracePart part = part_of_kernel(event.name);
  if (part != TracePart::collective) return static_cast<std::uint32_t>(part);
  const std::string_view kind = collective_word(event.collective, event.name);
  const std::int64_t bytes = std::max(event.in_elements, event.out_elements) * bytes_of_type(event.dtype);
  const auto [known, is_new] = known_.try_emplace(CollectiveKey{kind, event.group, bytes},
                                                  static_cast<std::uint32_t>(collectives_.size()));
  if (is_new)
    collectives_.push_back({.kind = kind,
                            .group = event.group,
                            .description = event.group_description,
                            .ranks = ranks_in(event.group_ranks),
                            .members = event.group_size,
                            .payload = Bytes(bytes),
                            .calls = 0,
                            .time = {},
                            .exposed = {}});
  return static_cast<std::uint32_t>(kTracePartCount) + known->second;
}

void TraceSums::add(const TraceEvent& event) {
  if (is_on_device(event.category)) {
    kernels_.push_back({event.begin_us, event.begin_us + event.duration_us, kind_of(event),
                        static_cast<std::uint32_t>(std::max<std::int64_t>(event.device, 0)),
                        event.correlation});
  } else if (event.category == "user_annotation" || event.category == "Operator" ||
             event.category == "cpu_op") {
    if (event.name.starts_with("ProfilerStep#"))
      steps_.emplace_back(event.begin_us, event.begin_us + event.duration_us);
  } else if (event.correlation >= 0) {
    launches_.try_emplace(event.correlation, event.begin_us);
  }
}

TracedSteps TraceSums::finish(const TraceHeader& header) const {
  TracedSteps result;
  std::map<std::uint32_t, std::int64_t> by_device;
  for (const Kernel& kernel : kernels_) ++by_device[kernel.device];
  const auto most = std::max_element(by_device.begin(), by_device.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == by_device.end()) return result;

  std::vector<Kernel> kernels;
  std::copy_if(kernels_.begin(), kernels_.end(), std::back_inserter(kernels),
               [&](const Kernel& kernel) { return kernel.device == most->first; });
  std::stable_sort(kernels.begin(), kernels.end(),
                   [](const Kernel& a, const Kernel& b) { return a.begin < b.begin; });
  double begin = kernels.front().begin;
  double end = 0.0;
  for (const Kernel& kernel : kernels) end = std::max(end, kernel.end);
  result.are_marked = !steps_.empty();
  if (result.are_marked) {
    begin = std::min_element(steps_.begin(), steps_.end())->first;
    end = 0.0;
    for (const auto& [from, to] : steps_) {
      result.steps.emplace_back((to - from) * kMicro);
      end = std::max(end, to);
    }
  } else {
    result.steps.emplace_back((end - begin) * kMicro);
  }
  result.window = Seconds((end - begin) * kMicro);
  std::erase_if(kernels, [&](const Kernel& kernel) { return kernel.end <= begin || kernel.begin >= end; });
  result.collectives = collectives_;
  for (Kernel& kernel : kernels) {
    kernel.begin = std::max(kernel.begin, begin);
    kernel.end = std::min(kernel.end, end);
    ++result.kernels;
    if (kernel.kind < kTracePartCount) continue;
    TracedCollective& collective = result.collectives[kernel.kind - kTracePartCount];
    ++collective.calls;
    collective.time += Seconds((kernel.end - kernel.begin) * kMicro);
  }
  KernelSweep<Kernel>(kernels, launches_, result).run(begin, end);
  name_groups(result.collectives, header);
  std::erase_if(result.collectives, [](const TracedCollective& collective) { return collective.calls == 0; });
  std::stable_sort(result.collectives.begin(), result.collectives.end(),
                   [](const TracedCollective& a, const TracedCollective& b) { return a.time > b.time; });
  return result;
}

}  // namespace foreshard
