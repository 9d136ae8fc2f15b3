#pragma once

#include <cstdint>
#include <set>

#include "planner/program/step_program.hpp"

namespace foreshard {

/// The weight of all losses of multi-token prediction together, as a share of the model's own loss; each module has an
/// equal part of it. Source: Megatron-LM, mtp_loss_scaling_factor; DeepSeek-V3 (arXiv:2412.19437, section 4.2) ends
/// with the same weight.
inline constexpr double kMtpLossWeight = 0.1;

/// The modules of multi-token prediction of a program. Module k reads the tokens k + 1 positions ahead of its rows and
/// predicts those k + 2 ahead.
class MtpModules {
 public:
  explicit MtpModules(const StepProgram& program);

  [[nodiscard]] std::int64_t count() const { return static_cast<std::int64_t>(entries_.size()); }
  /// How many positions the token numbers that a block reads are ahead of its rows.
  [[nodiscard]] std::int64_t ahead(const Block& block, LayerId layer, bool labels) const;
  /// The weight of a loss in the sum of all losses: 1 for that of the model itself.
  [[nodiscard]] double loss_weight(const Block& block) const;

 private:
  std::set<LayerId> entries_;  ///< layers with which entries are called
  std::set<LayerId> heads_;
};

}  // namespace foreshard
