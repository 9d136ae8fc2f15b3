#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "planner/spec/types/job_spec.hpp"
#include "planner/units/parse_quantity.hpp"

namespace foreshard {

/// A pipeline layout as Megatron-LM's option --pipeline-model-parallel-layout writes it.
struct StageLayoutText {
  std::vector<std::int64_t> layers;  ///< of each piece, in model order
  std::optional<MtpPlace> mtp{};
};

/// Reads a layout such as `Et*3|(tt|)*29,m|L`. E is the embedding, t a layer, m a module of multi-token prediction, L the
/// loss with the output head; | ends a piece; x*3 and (…)*3 repeat; commas mean nothing. E begins the first piece, L ends
/// the last one. Source: Megatron-LM, megatron/core/transformer/pipeline_parallel_layer_layout.py.
std::variant<StageLayoutText, ParseComplaint> parse_stage_layout(std::string_view text);

}  // namespace foreshard
