#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace foreshard {

/// Hears how far a study is: what it does, how many parts of it are done, of how many. May be empty. Changes
/// nothing. It is called on the study's thread or, one at a time, on the threads that the study starts. An
/// exception that it throws ends the study and reaches the study's caller: this is how a caller cancels. The
/// ranks of a run must all throw at the same call, or the others wait for those that have.
using StudyProgress = std::function<void(const std::string& what, std::int64_t done, std::int64_t of)>;

}  // namespace foreshard
