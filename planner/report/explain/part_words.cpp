#include "planner/report/explain/part_words.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "planner/report/format.hpp"
#include "planner/report/plan_sections.hpp"
#include "planner/report/words.hpp"
#include "planner/spec/job/read_recompute.hpp"

namespace foreshard::report {
namespace {

struct PartNames {
  std::string_view key;
  std::string_view name;
};
/// By StepPart.
constexpr std::array<PartNames, kStepPartCount> kNames{{{"ideal", "ideal at peak"},
                                                        {"masked_scores", "masked scores"},
                                                        {"extra_work", "extra work"},
                                                        {"precision", "other types"},
                                                        {"sustained_rate", "sustained below peak"},
                                                        {"shapes", "shapes of products"},
                                                        {"attention", "attention"},
                                                        {"scans", "scans"},
                                                        {"memory_bound", "memory-bound passes"},
                                                        {"casts", "casts, quantisation"},
                                                        {"recompute", "recomputation"},
                                                        {"slowest_device", "slowest device"},
                                                        {"contention", "kernels made slower"},
                                                        {"tp_exposed", "tp exposed"},
                                                        {"cp_exposed", "cp exposed"},
                                                        {"ep_exposed", "ep exposed"},
                                                        {"pp_exposed", "pp exposed"},
                                                        {"dp_exposed", "dp exposed"},
                                                        {"offload_exposed", "offload exposed"},
                                                        {"bubble", "bubble"},
                                                        {"imbalance", "uneven stages"},
                                                        {"optimizer", "optimizer"},
                                                        {"host", "host"}}};

struct LeverNames {
  std::string_view key;
  std::string_view name;
};
/// By Lever.
constexpr std::array<LeverNames, kLevers.size()> kLeverNames{
    {{"peak_rate", "peak rate"},
     {"memory_bandwidth", "memory bandwidth"},
     {"memory_size", "memory size"},
     {"node_bandwidth", "in-node bandwidth"},
     {"network_bandwidth", "network bandwidth"},
     {"latency", "latency, 10% less"},
     {"devices_per_node", "devices per node, twice"}}};

std::string_view bound_word(std::size_t bound) {
  constexpr std::array<std::string_view, kBoundCount> kWords{"compute", "memory", "latency", "link"};
  return kWords[bound];
}

std::string ideal_words(const PlannedJob& planned) {
  const StepFigures& step = planned.estimate.step;
  const double devices = static_cast<double>(planned.job.cluster.devices());
  const FlopsPerSecond peak(step.model_flops.as_double() / (step.mfu * step.time.value() * devices));
  return fmt::format("{:.3g} FLOPs on {} × {}", step.model_flops.as_double(),
                     grouped(planned.job.cluster.devices()), with_unit(peak));
}

std::string schedule_words(const JobSpec& job) {
  return fmt::format("{}, {} stages", counted(job.micro_batches(), "micro-batch", "es"), job.parallelism.pp);
}

}  // namespace

std::string_view part_key(StepPart part) { return kNames[static_cast<std::size_t>(part)].key; }
std::string_view part_name(StepPart part) { return kNames[static_cast<std::size_t>(part)].name; }
std::string_view lever_key(Lever lever) { return kLeverNames[static_cast<std::size_t>(lever)].key; }
std::string_view lever_name(Lever lever) { return kLeverNames[static_cast<std::size_t>(lever)].name; }

std::string part_words(StepPart part, const PlannedJob& planned) {
  const JobSpec& job = planned.job;
  switch (part) {
    case StepPart::ideal: return ideal_words(planned);
    case StepPart::masked: return "counted in MFU, spared by the mask";
    case StepPart::extra_work: return "padding, replicated products";
    case StepPart::precision: return "products not in " + std::string(word_of(job.training.precision));
    case StepPart::sustained: return "what large products reach";
    case StepPart::shapes: return "small products, bytes, launches";
    case StepPart::attention: return "its cores below peak";
    case StepPart::scans: return "linear mixers, convolutions";
    case StepPart::passes: return "norms, activations, loss";
    case StepPart::casts: return "copies in another type";
    case StepPart::recompute: return recompute_words(job.training);
    case StepPart::slowest: return "all wait for it";
    case StepPart::contention: return "by communication at the same time";
    case StepPart::tp: return link_of(job, CommAxis::tp);
    case StepPart::cp: return link_of(job, CommAxis::cp);
    case StepPart::ep: return link_of(job, CommAxis::ep);
    case StepPart::pp: return link_of(job, CommAxis::pp);
    case StepPart::dp: return link_of(job, CommAxis::dp);
    case StepPart::offload: return link_of(job, CommAxis::offload);
    case StepPart::bubble: return schedule_words(job);
    case StepPart::imbalance: return "stages wait for the fullest";
    case StepPart::optimizer: return std::string(word_of(job.training.optimizer));
    case StepPart::host: return "the device waits for its host";
  }
  return {};
}

std::string bound_words(const WaterfallPart& part) {
  constexpr double kLeast = 0.05;  // of the part; less is not told
  const Seconds all = std::accumulate(part.bounds.begin(), part.bounds.end(), Seconds());
  if (!(all > Seconds())) return {};
  std::vector<std::size_t> told;
  for (std::size_t bound = 0; bound < kBoundCount; ++bound)
    if (part.bounds[bound] > kLeast * all) told.push_back(bound);
  std::stable_sort(told.begin(), told.end(),
                   [&](std::size_t a, std::size_t b) { return part.bounds[a] > part.bounds[b]; });
  if (told.size() == 1) return std::string(bound_word(told.front()));
  std::string text;
  for (const std::size_t bound : told)
    text += fmt::format("{}{} {:.0f}%", text.empty() ? "" : ", ", bound_word(bound),
                        100.0 * (part.bounds[bound] / all));
  return text;
}

}  // namespace foreshard::report
