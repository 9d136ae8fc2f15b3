#pragma once

#include <string_view>

#include "planner/spec/hugging_face/hugging_face_translation.hpp"

namespace foreshard::detail {

/// Why a key of config.json does not change what a training step costs; empty if it is not known to be so.
std::string_view irrelevance_of(std::string_view key);

/// Accounts for every key of the map that no translation has read, and of the maps below it that were read:
/// a key that is known to be irrelevant is passed over, one whose value switches nothing on becomes part of a
/// note, and every other one is complained of, because it may change the computation.
void account_for_keys(const Translation& t);

/// The keys of the map that account_for_keys would complain of.
std::vector<std::string> unaccounted_keys(const Translation& t);

}  // namespace foreshard::detail
