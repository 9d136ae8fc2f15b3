#include "planner/report/diagnose/part_remarks.hpp"

#include <array>

#include <fmt/format.h>

#include "planner/report/format.hpp"

namespace foreshard::report {
namespace {

struct DiagnosedNames {
  std::string_view key;
  std::string_view name;
};
/// By DiagnosedPart.
constexpr std::array<DiagnosedNames, kDiagnosedPartCount> kDiagnosedNames{
    {{"products", "products"},
     {"attention", "attention"},
     {"experts", "experts, routing"},
     {"memory_bound", "memory-bound passes"},
     {"optimizer", "optimizer"},
     {"copies", "copies"},
     {"tp_exposed", "tp exposed"},
     {"cp_exposed", "cp exposed"},
     {"ep_exposed", "ep exposed"},
     {"pp_exposed", "pp exposed, bubble"},
     {"dp_exposed", "dp exposed"},
     {"unknown_exposed", "other groups exposed"},
     {"host", "idle, host late"},
     {"idle", "idle, else"}}};

bool is_kernels(DiagnosedPart part) {
  return part == DiagnosedPart::products || part == DiagnosedPart::attention ||
         part == DiagnosedPart::experts || part == DiagnosedPart::passes || part == DiagnosedPart::optimizer;
}

std::string kernel_remark(Seconds planned, Seconds measured, Seconds step) {
  constexpr double kAlike = 0.05;
  if (planned < 0.002 * step) return "not in the plan: does the job describe what ran?";
  if (measured < 0.002 * step) return "none in the trace: does the job describe what ran?";
  const double change = measured / planned - 1.0;
  if (change > kAlike) return fmt::format("{} slower than planned", percent(change));
  return change < -kAlike ? fmt::format("{} faster than planned", percent(-change)) : "";
}

}  // namespace

std::string_view diagnosed_key(DiagnosedPart part) {
  return kDiagnosedNames[static_cast<std::size_t>(part)].key;
}
std::string_view diagnosed_name(DiagnosedPart part) {
  return kDiagnosedNames[static_cast<std::size_t>(part)].name;
}

std::string diagnosed_remark(DiagnosedPart part, const TraceDiagnosis& trace) {
  constexpr double kMatters = 0.01;  // of the step
  const Seconds planned = trace.planned[static_cast<std::size_t>(part)];
  const Seconds measured = trace.measured[static_cast<std::size_t>(part)];
  if (planned < kMatters * trace.step && measured < kMatters * trace.step) return {};
  if (is_kernels(part)) return kernel_remark(planned, measured, trace.step);
  if (measured - planned < kMatters * trace.step) return {};
  switch (part) {
    case DiagnosedPart::copies: return "memcpy and memset: does the run offload, or log every step?";
    case DiagnosedPart::unknown: return "process groups that are none of the job's";
    case DiagnosedPart::host:
      return "launches come late: training.graphs, compiled layers or larger micro-batches";
    case DiagnosedPart::idle: return "launched, but it waits for another stream or the host's data";
    case DiagnosedPart::pp: return "this stage waits more for its neighbours than planned";
    default: break;
  }
  return planned < kMatters * trace.step ? "the plan hides it: no kernel runs beside it, or a rank is late"
                                         : "more than planned: a slower link, less overlap, or a late rank";
}

}  // namespace foreshard::report
