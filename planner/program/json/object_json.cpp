#include "planner/program/json/object_json.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace foreshard {

void refuse_json(const std::string& path, const std::string& complaint) {
  throw std::runtime_error(fmt::format("step program: {}: {}", path, complaint));
}

std::int64_t whole_number(const Json& value, const std::string& path, std::int64_t least, std::int64_t most) {
  if (!value.is_number_integer()) refuse_json(path, "expected a whole number, found " + value.dump());
  // Above 2^63 − 1 the parser gives an unsigned number.
  const bool wraps =
      value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (wraps || value.get<std::int64_t>() < least || value.get<std::int64_t>() > most) {
    refuse_json(path, fmt::format("{} is not within {} … {}", value.dump(), least, most));
  }
  return value.get<std::int64_t>();
}

std::string text_value(const Json& value, const std::string& path) {
  if (!value.is_string()) refuse_json(path, "expected a string, found " + value.dump());
  return value.get<std::string>();
}

const Json::array_t& array_value(const Json& value, const std::string& path) {
  if (!value.is_array()) refuse_json(path, "expected an array, found " + value.dump());
  return value.get_ref<const Json::array_t&>();
}

void refuse_name(const std::string& path, const std::string& name, const std::vector<std::string>& allowed) {
  refuse_json(path, fmt::format("unknown value '{}'; allowed here: {}", name, fmt::join(allowed, ", ")));
}

void read_value(const Json& value, const std::string& path, bool& out) {
  if (!value.is_boolean()) refuse_json(path, "expected true or false, found " + value.dump());
  out = value.get<bool>();
}

void read_value(const Json& value, const std::string& path, double& out) {
  if (!value.is_number()) refuse_json(path, "expected a number, found " + value.dump());
  out = value.get<double>();
}

void read_value(const Json& value, const std::string& path, std::string& out) {
  out = text_value(value, path);
}

void read_value(const Json& value, const std::string& path, Bytes& out) {
  out = Bytes(whole_number(value, path, 0, std::numeric_limits<std::int64_t>::max()));
}

void read_value(const Json& value, const std::string& path, std::vector<std::int64_t>& out) {
  out.clear();
  const Json::array_t& elements = array_value(value, path);
  for (std::size_t i = 0; i < elements.size(); ++i)
    out.push_back(whole_number(elements[i], fmt::format("{}[{}]", path, i),
                               std::numeric_limits<std::int64_t>::min(),
                               std::numeric_limits<std::int64_t>::max()));
}

KeyReader::KeyReader(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object()) refuse_json(path_, "expected an object, found " + object.dump());
}

const Json& KeyReader::required(const char* key) {
  const Json* found = optional(key);
  if (found == nullptr) refuse_json(path_, fmt::format("the key '{}' is missing", key));
  return *found;
}

const Json* KeyReader::optional(const char* key) {
  known_.emplace_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

std::string KeyReader::path_of(const char* key) const {
  return path_ == "the file" ? std::string(key) : path_ + "." + key;
}

void KeyReader::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      refuse_json(path_, fmt::format("unknown key '{}'; known here: {}", key, fmt::join(known_, ", ")));
    }
  }
}

}  // namespace foreshard
