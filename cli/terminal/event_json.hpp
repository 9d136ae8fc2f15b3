#pragma once

#include <cstdint>
#include <string>

namespace foreshard::cli {

/// The event of a listener (cli/api/foreshard.h) for work of which `done` parts of `of` are done.
std::string progress_json(const std::string& what, std::int64_t done, std::int64_t of);

}  // namespace foreshard::cli
