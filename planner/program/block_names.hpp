#pragma once

#include <array>
#include <string_view>

#include "planner/program/block.hpp"
#include "planner/program/ops/enum_names.hpp"

namespace foreshard {

template <>
inline constexpr auto kNames<BlockKind> =
    std::to_array<std::string_view>({"embedding", "dense_layer", "moe_layer", "mixer_layer", "head", "mtp",
                                     "mtp_head", "pipeline", "prologue", "sync", "clip", "update"});
template <>
inline constexpr auto kNames<Pass> = std::to_array<std::string_view>({"forward", "backward", "weight",
                                                                      "once"});

}  // namespace foreshard
