#include <string>
#include <utility>

#include <fmt/core.h>

#include "planner/spec/job/validate_parts.hpp"
#include "planner/spec/types/names.hpp"

namespace foreshard::detail {
namespace {

class OffloadCheck {
 public:
  OffloadCheck(const JobSpec& job, std::vector<Illegality>& findings) : job_(job), findings_(findings) {}

  void run() {
    const OffloadSpec& offload = job_.training.offload;
    if (!job_.training.uses_host()) return;
    if (!job_.cluster.host)
      refuse(offload.any() ? "training.offload" : "training.states.paged",
             fmt::format("the host of {} is not known", job_.cluster.name),
             "say cluster.host: {memory: 2 TiB, memory_bandwidth: 614 GB/s, link: {bandwidth: 64 GB/s, "
             "efficiency: "
             "0.85, latency: 10 us}} with your figures");
    if (offload.optimizer > 0.0) check_states();
    if (offload.weights > 0.0) check_weights();
    if (job_.training.states.paged) check_paged();
  }

 private:
  void refuse(const char* path, std::string message, std::string allowed) {
    findings_.push_back({path, std::move(message), std::move(allowed)});
  }

  void check_states() {
    constexpr const char* kPath = "training.offload.optimizer";
    const TrainingSpec& training = job_.training;
    const MomentType moments = training.states.moments;
    const bool is_wide =
        moments == MomentType::fp32 || moments == MomentType::bf16 || moments == MomentType::fp16;
    if (training.optimizer == OptimizerKind::muon || training.optimizer == OptimizerKind::adafactor ||
        !is_wide)
      refuse(kPath,
             fmt::format("no framework's CPU optimizer is {} with {} moments", word_of(training.optimizer),
                         word_of(moments)),
             "allowed here: 0; or adamw, adam, lion or sgd with moments of 16 or 32 bits");
    if (training.optimizer_in_backward)
      refuse(kPath, "with optimizer_in_backward it is not planned by this version", "allowed here: 0");
  }

  void check_paged() {
    constexpr const char* kPath = "training.states.paged";
    if (job_.training.offload.optimizer > 0.0)
      refuse(kPath, "the device updates paged states, and offload.optimizer leaves that to the CPU",
             "allowed here: false, or offload.optimizer 0");
    if (job_.training.optimizer == OptimizerKind::muon)
      refuse(kPath, "paged states of muon are not planned by this version", "allowed here: false");
  }

  void check_weights() {
    constexpr const char* kPath = "training.offload.weights";
    const TrainingSpec& training = job_.training;
    if (job_.parallelism.zero < 3)
      refuse(kPath, fmt::format("with zero {} the device keeps all of its weights", job_.parallelism.zero),
             "allowed here: 0, or parallelism.zero 3");
    if (training.offload.optimizer < 1.0)
      refuse(kPath, "weights on the host are updated there, and the CPU updates not all of them",
             "allowed here: 0, or offload.optimizer 1");
    if (is_low(training.precision))
      refuse(kPath,
             fmt::format("with precision {} it is not planned by this version", word_of(training.precision)),
             "allowed here: 0, or bf16, fp16 or fp32");
  }

  static bool is_low(Precision precision) {
    return precision != Precision::bf16 && precision != Precision::fp16 && precision != Precision::fp32;
  }

  const JobSpec& job_;
  std::vector<Illegality>& findings_;
};

}  // namespace

void check_offload(const JobSpec& job, std::vector<Illegality>& findings) {
  OffloadCheck(job, findings).run();
}

}  // namespace foreshard::detail
