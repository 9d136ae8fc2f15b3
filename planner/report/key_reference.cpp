#include "planner/report/key_reference.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "planner/report/markdown.hpp"
#include "planner/spec/job/job_schema_json.hpp"

namespace foreshard {
namespace {

using Json = nlohmann::ordered_json;

/// A map of the schema and its paths in a job.
struct KeySection {
  std::vector<std::string> paths;  // several if equal maps have different keys: gemm.bf16, gemm.fp16
  const Json* map = nullptr;
};

/// True for a map whose keys are the user's own names.
bool is_by_name(const Json& form) {
  return form.contains("additionalProperties") && form["additionalProperties"].is_object();
}

/// The map that a value may be, if any. For a map whose keys are the user's names, the map below each name.
const Json* map_in(const Json& form) {
  if (form.contains("properties")) return &form;
  if (is_by_name(form)) return map_in(form["additionalProperties"]);
  if (form.contains("items")) return map_in(form["items"]);
  if (form.contains("anyOf")) {
    for (const Json& each : form["anyOf"]) {
      if (const Json* const map = map_in(each)) return map;
    }
  }
  return nullptr;
}

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

/// Appends this map and the maps below it, depth first.
void collect(std::vector<std::string> paths, const Json& map, std::vector<KeySection>& sections) {
  std::vector<KeySection> below;
  for (const auto& [key, form] : map["properties"].items()) {
    const Json* const child = map_in(form);
    if (child == nullptr) continue;
    const auto alike = std::find_if(below.begin(), below.end(), [&](const KeySection& each) {
      return (*each.map)["properties"] == (*child)["properties"];
    });
    KeySection& section = alike == below.end() ? below.emplace_back(KeySection{{}, child}) : *alike;
    section.paths.push_back(joined(paths.front(), is_by_name(form) ? key + ".NAME" : key));
  }
  sections.push_back({std::move(paths), &map});
  for (KeySection& section : below) collect(std::move(section.paths), *section.map, sections);
}

std::string type_name(const Json& form) {
  if (form.contains("anyOf")) {
    std::vector<std::string> names;
    for (const Json& each : form["anyOf"]) names.push_back(type_name(each));
    return fmt::format("{}", fmt::join(names, " or "));
  }
  if (form.contains("enum")) {
    std::vector<std::string> words;
    for (const Json& word : form["enum"])
      words.push_back(fmt::format("`{}`", word.is_string() ? word.get<std::string>() : word.dump()));
    return fmt::format("{}", fmt::join(words, ", "));
  }
  const std::string type = form["type"];
  if (type == "integer") {
    const std::int64_t least = form["minimum"];
    if (least > 1) return fmt::format("whole number from {}", least);
    return least == 1 ? "whole number" : "whole number or 0";
  }
  if (type == "boolean") return "`true`, `false`";
  if (type == "object") return is_by_name(form) ? "map by name" : "map";
  if (type == "array") return "list of " + (map_in(form) ? "maps" : type_name(form["items"]));
  if (type == "string") return form.contains("pattern") ? "quantity" : "text";
  return type;
}

std::string default_of(const Json& map, const std::string& key, const Json& form) {
  if (map.contains("required")) {
    const Json& required = map["required"];
    if (std::find(required.begin(), required.end(), key) != required.end()) return "**required**";
  }
  if (!form.contains("default")) return "";
  const Json& value = form["default"];
  return fmt::format("`{}`", value.is_string() ? value.get<std::string>() : value.dump());
}

std::string heading(const KeySection& section) {
  if (section.paths.front().empty()) return "A job";
  std::vector<std::string> quoted;
  for (const std::string& path : section.paths) quoted.push_back(fmt::format("`{}`", path));
  return fmt::format("{}", fmt::join(quoted, ", "));
}

std::string table(const KeySection& section) {
  std::string text = fmt::format("\n## {}\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n",
                                 heading(section));
  for (const auto& [key, form] : (*section.map)["properties"].items()) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", key, type_name(form),
                        default_of(*section.map, key, form), report::markdown_cell(form["description"]));
  }
  return text;
}

/// The words that are allowed as value, including "true" and "false".
std::vector<std::string> words_of(const Json& form) {
  std::vector<std::string> words;
  if (form.contains("anyOf")) {
    for (const Json& each : form["anyOf"]) {
      for (std::string& word : words_of(each)) words.push_back(std::move(word));
    }
  } else if (form.contains("enum")) {
    for (const Json& word : form["enum"])
      words.push_back(word.is_string() ? word.get<std::string>() : word.dump());
  } else if (form["type"] == "boolean") {
    words = {"true", "false"};
  }
  return words;
}

void collect_keys(const std::string& path, const Json& map, std::vector<JobKey>& keys) {
  for (const auto& [key, form] : map["properties"].items()) {
    const Json* const below = is_by_name(form) ? nullptr : map_in(form);
    if (below == nullptr || form.contains("anyOf")) keys.push_back({joined(path, key), words_of(form)});
    if (below != nullptr && !form.contains("items")) collect_keys(joined(path, key), *below, keys);
  }
}

constexpr const char* kIntroduction =
    "# Keys of job files\n"
    "\n"
    "<!-- Written by scripts/update_reference.sh from the tables of the readers in planner/spec. -->\n"
    "\n"
    "Every key that a job may have, and with it those of models, clusters and accelerators: a file in\n"
    "`configs/models` is the map `model`, one in `configs/clusters` the map `cluster`, one in\n"
    "`configs/accelerators` the map `cluster.accelerator`. `--set parallelism.tp=4` replaces the value of a "
    "key.\n"
    "Where no default is given, the meaning says what holds when the key is left out, or the thing is not "
    "there.\n"
    "A *quantity* is a number with its unit ([units](../units.md)): `80 GiB`, `400 Gbit/s`, `2 us`, `15T`. "
    "The\n"
    "same as a JSON Schema: `foreshard show schema` ([editors](../editors.md)).\n";

}  // namespace

std::string key_reference() {
  const Json schema = Json::parse(job_schema_json());
  std::vector<KeySection> sections;
  collect({""}, schema, sections);
  // Keys that every job has come before those that are mostly in separate files.
  std::stable_partition(sections.begin(), sections.end(), [](const KeySection& section) {
    const std::string& path = section.paths.front();
    return !path.starts_with("model") && !path.starts_with("cluster");
  });
  std::string text = kIntroduction;
  for (const KeySection& section : sections) text += table(section);
  return text;
}

std::vector<JobKey> job_keys_with_words() {
  std::vector<JobKey> keys;
  collect_keys("", Json::parse(job_schema_json()), keys);
  return keys;
}

}  // namespace foreshard
