#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include <nlohmann/json.hpp>

#include "planner/program/block_names.hpp"
#include "planner/units/count.hpp"

namespace foreshard {

/// Keys keep their order, so that the same program always gives the same text.
using Json = nlohmann::ordered_json;

/// @throws std::runtime_error "step program: PATH: COMPLAINT"
[[noreturn]] void refuse_json(const std::string& path, const std::string& complaint);

// ---- One value. `path` is its position in the document, for messages: "blocks[2].ops[0].m".

/// A whole number from `least` to `most`.
std::int64_t whole_number(const Json& value, const std::string& path, std::int64_t least, std::int64_t most);
std::string text_value(const Json& value, const std::string& path);
/// An array's elements.
const Json::array_t& array_value(const Json& value, const std::string& path);
[[noreturn]] void refuse_name(const std::string& path, const std::string& name,
                              const std::vector<std::string>& allowed);

template <std::signed_integral Integer>
void read_value(const Json& value, const std::string& path, Integer& out) {
  out = static_cast<Integer>(
      whole_number(value, path, std::numeric_limits<Integer>::min(), std::numeric_limits<Integer>::max()));
}
void read_value(const Json& value, const std::string& path, bool& out);
void read_value(const Json& value, const std::string& path, double& out);
void read_value(const Json& value, const std::string& path, std::string& out);
void read_value(const Json& value, const std::string& path, Bytes& out);
void read_value(const Json& value, const std::string& path, std::vector<std::int64_t>& out);
template <NamedEnum Enum>
void read_value(const Json& value, const std::string& path, Enum& out) {
  const std::string name = text_value(value, path);
  const auto found = value_named<Enum>(name);
  if (!found) refuse_name(path, name, {kNames<Enum>.begin(), kNames<Enum>.end()});
  out = *found;
}

template <std::signed_integral Integer>
Json written_value(Integer value) {
  return static_cast<std::int64_t>(value);
}
inline Json written_value(bool value) { return value; }
inline Json written_value(double value) { return value; }
inline Json written_value(const std::string& value) { return value; }
inline Json written_value(const std::vector<std::int64_t>& values) { return values; }
inline Json written_value(Bytes value) { return value.value(); }
template <NamedEnum Enum>
Json written_value(Enum value) {
  return std::string(name_of(value));
}

// ---- The keys of one object, described once for both directions:
// ----   template <class Keys> void describe(Keys& keys, Rope& op) { keys("tokens", op.tokens); … }

/// Reads values out of an object. Throws if a key is missing or unknown.
class KeyReader {
 public:
  KeyReader(const Json& object, std::string path);

  /// A required key.
  template <class T>
  void operator()(const char* key, T& value) {
    read_value(required(key), path_of(key), value);
  }
  /// An optional key: if it is missing, the value is its default.
  template <class T>
  void operator()(const char* key, T& value, const std::type_identity_t<T>& fallback) {
    const Json* found = optional(key);
    value = fallback;
    if (found != nullptr) read_value(*found, path_of(key), value);
  }

  const Json& required(const char* key);
  const Json* optional(const char* key);
  [[nodiscard]] std::string path_of(const char* key) const;
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Throws if the object has keys that were not read. Call it last.
  void finish() const;

 private:
  const Json& object_;
  std::string path_;
  std::vector<std::string> known_;
};

/// Writes values into an object, except those that equal their defaults.
class KeyWriter {
 public:
  template <class T>
  void operator()(const char* key, const T& value) {
    object_[key] = written_value(value);
  }
  template <class T>
  void operator()(const char* key, const T& value, const std::type_identity_t<T>& fallback) {
    if (value != fallback) (*this)(key, value);
  }
  [[nodiscard]] Json& object() { return object_; }

 private:
  Json object_ = Json::object();
};

}  // namespace foreshard
