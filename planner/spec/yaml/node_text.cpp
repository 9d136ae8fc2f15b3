#include "planner/spec/yaml/node_text.hpp"

#include "planner/spec/yaml/map_writer.hpp"

namespace foreshard {
namespace {

/// A scalar in block style. Text that was quoted stays quoted, because readers tell "8" from 8.
std::string block_scalar(const YamlNode& node) {
  return node.in_quotes || node.text.empty() || node.text.find('\n') != std::string::npos
             ? MapWriter::quoted(node.text)
             : node.text;
}

/// Any value on one line: {a: 1, b: [2, 3]}.
std::string flow(const YamlNode& node) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  switch (node.kind) {
    case YamlNode::Kind::null: return "null";
    case YamlNode::Kind::scalar:
      return node.text.find_first_of(",[]{}") == std::string::npos ? block_scalar(node)
                                                                   : MapWriter::quoted(node.text);
    case YamlNode::Kind::list:
      for (const NodePtr& item : node.items) add(flow(*item));
      return "[" + text + "]";
    case YamlNode::Kind::map:
      for (const MapEntry& entry : node.entries) add(entry.key + ": " + flow(*entry.value));
      return "{" + text + "}";
  }
  return text;
}

void write(MapWriter& writer, const YamlNode& map) {
  for (const MapEntry& entry : map.entries) {
    const YamlNode& value = *entry.value;
    switch (value.kind) {
      case YamlNode::Kind::null: writer.plain(entry.key, "null"); break;
      case YamlNode::Kind::scalar: writer.plain(entry.key, block_scalar(value)); break;
      case YamlNode::Kind::list:
        if (value.items.empty()) {
          writer.plain(entry.key, "[]");
          break;
        }
        writer.begin(entry.key);
        for (const NodePtr& item : value.items) writer.item(flow(*item));
        writer.end();
        break;
      case YamlNode::Kind::map:
        if (value.entries.empty()) {
          writer.plain(entry.key, "{}");
          break;
        }
        writer.begin(entry.key);
        write(writer, value);
        writer.end();
        break;
    }
  }
}

}  // namespace

std::string node_text(const YamlNode& map) {
  MapWriter writer;
  write(writer, map);
  return writer.str();
}

}  // namespace foreshard
