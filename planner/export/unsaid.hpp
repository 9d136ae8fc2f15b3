#pragma once

#include <string>
#include <vector>

#include "planner/spec/types/job_spec.hpp"

namespace foreshard::detail {

/// What a job says and a target has no option for, as keys of a job file with their values:
/// "training.schedule: zero-bubble".
class Unsaid {
 public:
  /// Notes the key if `differs` from what the target does.
  void note(bool differs, std::string key, std::string value);
  [[nodiscard]] const std::vector<std::string>& keys() const { return keys_; }
  /// The notes as comment lines that begin with `mark`; empty if there are none.
  [[nodiscard]] std::string comments(const std::string& mark) const;

 private:
  std::vector<std::string> keys_;
};

/// Groups of keys that many targets have no options for; each notes those that the job uses.
void note_pipeline(const JobSpec& job, Unsaid& unsaid);       ///< pp, vp, schedule, stages
void note_experts(const JobSpec& job, Unsaid& unsaid);        ///< ep, etp, dispatcher, capacity
void note_lora(const JobSpec& job, Unsaid& unsaid);           ///< adapters
void note_states(const JobSpec& job, Unsaid& unsaid);         ///< optimizer states in other types than fp32
void note_low_precision(const JobSpec& job, Unsaid& unsaid);  ///< fp8 and fp4, their gathers and exceptions
/// Fused, chunked, gathered logits, and a compiled loss unless the target says that itself.
void note_loss(const JobSpec& job, Unsaid& unsaid, bool compiles = false);
void note_documents(const JobSpec& job, Unsaid& unsaid);        ///< packed documents
void note_recompute_parts(const JobSpec& job, Unsaid& unsaid);  ///< recomputation other than none and full
void note_overlap(const JobSpec& job, Unsaid& unsaid);          ///< overlaps that differ from the framework's
/// Weights and activations in the host\'s memory, and paged states.
void note_offload(const TrainingSpec& training, Unsaid& unsaid);

}  // namespace foreshard::detail
