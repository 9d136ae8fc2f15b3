#pragma once

#include <string>

#include "planner/program/tensors/tensor.hpp"

// How tensors are called. Emitters name what they make by its meaning, so that one meaning has one label.

namespace foreshard {

/// "layer.qkv.weight": the label of the tensor that has this meaning and is derived from no other.
std::string label_of(const Meaning& meaning);

/// The label of what is derived from `tensor`: "layer.qkv.weight.grad", "d.layer.qkv", "hidden.full".
/// @pre not a state of the optimizer: those are called by the block whose weights they belong to
std::string derived_label(const Tensor& tensor, Derivation derivation);

/// "d.layer.attn_norm.out" is "d.attn_norm.out" in the names of operations.
std::string short_label(const Tensor& gradient);

}  // namespace foreshard
