#pragma once

#include <optional>
#include <span>

#include "planner/program/program_builder.hpp"

namespace foreshard {

/// The modules that a job recomputes: its list, or the attention core for `selective`.
std::vector<RecomputeModule> recomputed_modules(const TrainingSpec& training);

/// The one of `chosen` that covers this operation of a layer of this kind, or whose gradients it computes; none
/// if no module does. `moe` covers what moe_act and shared_experts would.
std::optional<RecomputeModule> module_of(const ProgramBuilder& builder, const Op& op, BlockKind kind,
                                         std::span<const RecomputeModule> chosen);

}  // namespace foreshard
