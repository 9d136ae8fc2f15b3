#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"
#include "planner/spec/launch/launch_map.hpp"

namespace foreshard::detail {

/// A model of torchtitan, by name and flavor, and the bundled model that it is.
struct TitanModel {
  std::string_view name;
  std::string_view flavor;
  std::string_view bundled;
  std::int64_t layers;
};

/// All models of torchtitan that are known.
std::span<const TitanModel> titan_models();

/// The model that a torchtitan file names; null if it is not known.
const TitanModel* titan_model(const Translation& root);

/// Says the model. Complains of one that is not known, with those that are.
void say_titan_model(const Translation& root, LaunchJob& job);

}  // namespace foreshard::detail
