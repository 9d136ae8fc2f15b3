#include "planner/report/field_json.hpp"

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace foreshard::report {

Json to_json(const FieldValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          Json numbers = Json::array();
          for (const std::int64_t number : held) numbers.push_back(to_json(count_field(number)));
          return numbers;
        } else {
          return held;
        }
      },
      value);
}

Json fields_json(std::span<const Field> fields) {
  Json object = Json::object();
  for (const Field& field : fields) {
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

std::string printed(const Json& json) {
  // A name with bytes that are not UTF-8 must not cost the whole report.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace foreshard::report
