#include "planner/program/block.hpp"

#include "planner/program/block_names.hpp"

namespace foreshard {

std::string_view to_string(BlockKind kind) { return name_of(kind); }
std::string_view to_string(Pass pass) { return name_of(pass); }

}  // namespace foreshard
