#pragma once

#include <functional>
#include <string>

namespace foreshard::cli {

/// What foreshard_call() does, with strings of C++. Never throws for a wrong request: the answer says so.
/// @param hear  what foreshard_call_heard() tells its listener; false asks to stop. May be empty
std::string call(const std::string& request, std::function<bool(const std::string& event)> hear = {});

}  // namespace foreshard::cli
