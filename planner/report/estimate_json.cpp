#include "planner/report/estimate_json.hpp"

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

#include "planner/report/estimate_fields.hpp"

namespace foreshard {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const report::FieldValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          Json numbers = Json::array();
          for (const std::int64_t number : held) numbers.push_back(to_json(report::count_field(number)));
          return numbers;
        } else {
          return held;
        }
      },
      value);
}

Json job_json(const PlannedJob& planned) {
  Json object = Json::object();
  for (const report::Field& field : report::estimate_fields(planned)) {
    Json* place = &object;
    std::string_view key = field.key;
    for (auto dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
      place = &(*place)[std::string(key.substr(0, dot))];
      key.remove_prefix(dot + 1);
    }
    (*place)[std::string(key)] = to_json(field.value);
  }
  return object;
}

}  // namespace

std::string estimate_json(std::span<const PlannedJob> jobs) {
  Json result = Json::array();
  for (const PlannedJob& planned : jobs) result.push_back(job_json(planned));
  const Json& printed = jobs.size() == 1 ? result.front() : result;
  // A name with bytes that are not UTF-8 must not cost the whole report.
  return printed.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace foreshard
