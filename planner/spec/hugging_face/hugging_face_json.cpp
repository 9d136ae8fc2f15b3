#include "planner/spec/hugging_face/hugging_face_json.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace foreshard {

namespace {

/// Line and column, both from 1, of the byte before which the parser stopped.
Place place_of_byte(const SourcePtr& source, const std::string& text, std::size_t byte) {
  const std::string_view before =
      std::string_view(text).substr(0, std::min(byte > 0 ? byte - 1 : 0, text.size()));
  const std::size_t line_break = before.rfind('\n');
  const std::size_t column =
      line_break == std::string_view::npos ? before.size() : before.size() - line_break - 1;
  return {source, static_cast<int>(1 + std::count(before.begin(), before.end(), '\n')),
          static_cast<int>(column + 1)};
}

/// Finds the place where the text is not JSON. Builds no tree.
class SyntaxCheck : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    byte = position;
    const std::string what = error.what();
    // "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error while …"
    const std::size_t colon = what.find(": ");
    message = colon == std::string::npos ? what : what.substr(colon + 2);
    return false;
  }

  std::size_t byte = 0;
  std::string message;
};

void refuse_repeated_keys(const YamlNode& node, Complaints& complaints) {
  std::set<std::string> seen;
  for (const MapEntry& entry : node.entries) {
    if (!seen.insert(entry.key).second)
      complaints.add(entry.key_place, "", "the key " + quote(entry.key) + " is given twice");
    refuse_repeated_keys(*entry.value, complaints);
  }
  for (const NodePtr& item : node.items) refuse_repeated_keys(*item, complaints);
}

}  // namespace

NodePtr parse_json(const SourcePtr& source, const std::string& text, Complaints& complaints) {
  SyntaxCheck check;
  if (!nlohmann::json::sax_parse(text, &check)) {
    complaints.add(place_of_byte(source, text, check.byte), "", "this is not JSON: " + check.message);
    return nullptr;
  }
  // JSON is also YAML, and the YAML parser gives the place of each value.
  const std::size_t before = complaints.size();
  const std::vector<NodePtr> documents = parse_yaml(source, text, complaints);
  if (complaints.size() != before || documents.empty()) return nullptr;
  refuse_repeated_keys(*documents.front(), complaints);
  return complaints.size() == before ? documents.front() : nullptr;
}

}  // namespace foreshard
