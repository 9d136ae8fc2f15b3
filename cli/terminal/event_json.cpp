#include "cli/terminal/event_json.hpp"

#include <nlohmann/json.hpp>

namespace foreshard::cli {

std::string progress_json(const std::string& what, std::int64_t done, std::int64_t of) {
  using Json = nlohmann::ordered_json;
  const Json progress{{"what", what}, {"done", done}, {"of", of}};
  return Json{{"progress", progress}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace foreshard::cli
