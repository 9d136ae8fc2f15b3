#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace foreshard {

/// A callback for the progress of a study: what it does, how many parts are done, and of how many. May be
/// empty; does not affect the result. It is called on the study's thread or on threads that the study starts,
/// one call at a time. To cancel the study, it throws: the exception ends the study and reaches the study's
/// caller. In a run, all ranks must throw at the same call; otherwise the remaining ranks wait for those that
/// have thrown.
using StudyProgress = std::function<void(const std::string& what, std::int64_t done, std::int64_t of)>;

}  // namespace foreshard
