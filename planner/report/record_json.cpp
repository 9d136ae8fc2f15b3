#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include <nlohmann/json.hpp>

#include "planner/report/record.hpp"

namespace foreshard::report {
namespace {

/// A JSON type whose objects keep the order in which keys were written, so that the output is always the
/// same.
using Json = nlohmann::ordered_json;

Json object_of(const Fields& fields);

Json json_of(const FieldValue& value) {
  return std::visit(
      [](const auto& held) -> Json {
        using Held = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<Held, std::monostate>) {
          return nullptr;
        } else if constexpr (std::is_same_v<Held, std::vector<std::int64_t>>) {
          Json numbers = Json::array();
          for (const std::int64_t number : held) numbers.push_back(json_of(count_field(number)));
          return numbers;
        } else if constexpr (std::is_same_v<Held, FieldRows>) {
          Json list = Json::array();
          for (const Fields& row : held.rows) list.push_back(object_of(row));
          return list;
        } else if constexpr (std::is_same_v<Held, NamedFields>) {
          Json object = Json::object();
          for (const auto& [name, fields] : held.members) object[name] = object_of(fields);
          return object;
        } else {
          return held;
        }
      },
      value);
}

/// Converts fields into an object; dots in the keys separate its levels.
Json object_of(const Fields& fields) {
  Json object = Json::object();
  for (const Field& field : fields) {
    Json* place = &object;
    std::string_view key = field.key;
    for (auto dot = key.find('.'); dot != std::string_view::npos; dot = key.find('.')) {
      place = &(*place)[std::string(key.substr(0, dot))];
      key.remove_prefix(dot + 1);
    }
    (*place)[std::string(key)] = json_of(field.value);
  }
  return object;
}

}  // namespace

std::string record_json(const Record& record) {
  Json objects = Json::array();
  for (const Fields& fields : record.objects) objects.push_back(object_of(fields));
  // A name that is not valid UTF-8 must not make the whole report fail.
  return (objects.size() == 1 ? objects.front() : objects)
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

}  // namespace foreshard::report
