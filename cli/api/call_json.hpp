#pragma once

#include <string>

namespace foreshard::cli {

/// What foreshard_call() does, with strings of C++. Never throws for a wrong request: the answer says so.
std::string call(const std::string& request);

}  // namespace foreshard::cli
