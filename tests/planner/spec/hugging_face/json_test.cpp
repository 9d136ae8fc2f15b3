#include <string>

#include "planner/spec/hugging_face/hugging_face_json.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;

namespace {

NodePtr parse(const std::string& text, std::string& complaint) {
  Complaints complaints;
  NodePtr node = parse_json(make_source("x.json", {}, text), text, complaints);
  try {
    complaints.throw_if_any();
  } catch (const SpecError& error) {
    const Diagnostic& first = error.diagnostics().front();
    complaint =
        std::to_string(first.mark.line) + ":" + std::to_string(first.mark.column) + " " + first.message;
  }
  return node;
}

std::string complaint_of(const std::string& text) {
  std::string complaint;
  const NodePtr node = parse(text, complaint);
  CHECK(node == nullptr);
  return complaint;
}

NodePtr value_of(const std::string& text) {
  std::string complaint;
  NodePtr node = parse(text, complaint);
  CHECK(complaint.empty());
  REQUIRE(node != nullptr);
  return node;
}

}  // namespace

TEST_CASE("JSON values keep their texts and places") {
  const NodePtr map =
      value_of("{\n  \"a\": [1, -2.5e3, true, null],\n\t\"b\": {\"c\": \"x\\n\\u00e9\\ud83d\\ude00\"}\n}");
  const YamlNode& list = *map->find("a")->value;
  CHECK(list.items[0]->text == "1");
  CHECK(list.items[1]->text == "-2.5e3");
  CHECK(list.items[2]->text == "true");
  CHECK(list.items[3]->kind == YamlNode::Kind::null);
  // In line 2, `  "a": [` is eight characters: the first item is in column 9.
  CHECK(list.items[0]->place.line == 2);
  CHECK(list.items[0]->place.column == 9);
  const YamlNode& text = *map->find("b")->value->find("c")->value;
  CHECK(text.text == "x\n\xC3\xA9\xF0\x9F\x98\x80");
  CHECK(text.in_quotes);
  CHECK(map->find("b")->key_place.line == 3);
  CHECK(map->find("b")->key_place.column == 2);
}

TEST_CASE("the numbers that Python writes and JSON has not are texts") {
  const NodePtr list = value_of("[NaN, Infinity, -Infinity]");
  CHECK(list->items[0]->text == "NaN");
  CHECK(list->items[1]->text == "Infinity");
  CHECK(list->items[2]->text == "-Infinity");
}

TEST_CASE("a text that is not JSON is refused with the place and the reason") {
  CHECK(complaint_of("{\n  \"a\": 1,\n}") ==
        "3:1 this is not JSON: expected a key in double quotes, found '}'");
  CHECK(complaint_of("{\"a\": 'x'}") == "1:7 this is not JSON: expected a value, found '''");
  CHECK(complaint_of("{\"a\": 01}") == "1:7 this is not JSON: '01' is no value");
  CHECK(complaint_of("{\"a\" 1}") == "1:6 this is not JSON: expected ':' after the key, found '1'");
  CHECK(complaint_of("[1") == "1:3 this is not JSON: expected ',' or ']', found the end of the text");
  CHECK(complaint_of("{} {}") == "1:4 this is not JSON: something follows the end of the value");
  CHECK(complaint_of(" ") == "1:2 this is not JSON: expected a value, found the end of the text");
  CHECK(complaint_of("{\"a\": 1, \"a\": 2}") == "1:10 the key 'a' is given twice");
  CHECK(complaint_of("\"x") == "1:3 this is not JSON: a string has no closing '\"'");
}

TEST_CASE("long lists and deep maps are no limit that a real file meets") {
  std::string list = "[0";
  for (int i = 0; i < 200'000; ++i) list += ",1";
  CHECK(value_of(list + "]")->items.size() == 200'001);
  CHECK(value_of(std::string(400, '[') + std::string(400, ']'))->items.size() == 1);
  CHECK_THAT(complaint_of(std::string(600, '[')), ContainsSubstring("deeper than 512 levels"));
}
