#pragma once

#include <string>

#include "planner/program/tensors/tensor.hpp"

// Labels of tensors. A label is made from a tensor's meaning, so that each meaning has exactly one label.

namespace foreshard {

/// "layer.qkv.weight": the label of the tensor that has this meaning and is derived from no other.
std::string label_of(const Meaning& meaning);

/// The label of a tensor that is derived from `tensor`: "layer.qkv.weight.grad", "d.layer.qkv",
/// "hidden.full".
/// @pre not an optimizer state: its label comes from the weight group
std::string derived_label(const Tensor& tensor, Derivation derivation);

/// The label as the names of operations have it, without the part: "d.layer.attn_norm.out" becomes
/// "d.attn_norm.out".
std::string short_label(const Tensor& gradient);

}  // namespace foreshard
