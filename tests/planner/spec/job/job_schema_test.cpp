// Validates all bundled jobs with the JSON Schema of job files, using a validator that knows only the
// keywords that this schema uses.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "planner/spec/job/job_schema_json.hpp"
#include "planner/spec/job/read_job.hpp"
#include "planner/spec/load/load.hpp"
#include "planner/spec/yaml/yaml_document.hpp"
#include "tests/support/catch.hpp"

using namespace foreshard;
using nlohmann::json;

namespace {

const std::filesystem::path kRoot = FORESHARD_SOURCE_DIR;

/// A YAML tree as an editor's YAML server sees it: plain scalars are numbers and booleans where they look so.
json as_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null: return nullptr;
    case YamlNode::Kind::list: {
      json list = json::array();
      for (const NodePtr& item : node.items) list.push_back(as_json(*item));
      return list;
    }
    case YamlNode::Kind::map: {
      json map = json::object();
      for (const MapEntry& entry : node.entries) map[entry.key] = as_json(*entry.value);
      return map;
    }
    case YamlNode::Kind::scalar: break;
  }
  if (!node.in_quotes) {
    if (node.text == "true" || node.text == "false") return node.text == "true";
    static const std::regex whole("-?[0-9]+");
    static const std::regex broken(R"(-?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?)");
    if (std::regex_match(node.text, whole)) return std::stoll(node.text);
    if (std::regex_match(node.text, broken)) return std::stod(node.text);
  }
  return node.text;
}

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  FAIL("the validator does not know the type " << type);
  return false;
}

bool is_like(const std::string& text, const std::string& pattern) {
  static std::map<std::string, std::regex> compiled;
  return std::regex_search(text, compiled.try_emplace(pattern, pattern).first->second);
}

/// The first error in a value; "" if there is none.
std::string objection(const json& value, const json& schema, const std::string& path) {
  for (const auto& [word, content] : schema.items()) {
    static const std::vector<std::string> kKnown{
        "$schema", "title", "description",          "type",       "minimum",  "enum",
        "pattern", "anyOf", "additionalProperties", "properties", "required", "items",
        "default"};
    if (std::find(kKnown.begin(), kKnown.end(), word) == kKnown.end()) return path + ": unknown word " + word;
  }
  if (schema.contains("anyOf")) {
    std::string last;
    for (const json& form : schema["anyOf"]) {
      last = objection(value, form, path);
      if (last.empty()) return "";
    }
    return last;
  }
  if (schema.contains("type") && !has_type(value, schema["type"]))
    return path + ": no " + schema["type"].dump();
  if (schema.contains("enum")) {
    const json& words = schema["enum"];
    if (std::find(words.begin(), words.end(), value) == words.end())
      return path + ": not one of " + words.dump();
  }
  if (schema.contains("minimum") && value.is_number() && value < schema["minimum"])
    return path + ": too small";
  if (schema.contains("pattern") && !is_like(value.get<std::string>(), schema["pattern"].get<std::string>()))
    return path + ": not like " + schema["pattern"].dump();
  if (value.is_array() && schema.contains("items")) {
    for (const json& item : value) {
      if (std::string found = objection(item, schema["items"], path + "[]"); !found.empty()) return found;
    }
  }
  if (!value.is_object()) return "";
  if (schema.contains("required")) {
    for (const json& key : schema["required"]) {
      if (!value.contains(key.get<std::string>())) return path + ": lacks " + key.dump();
    }
  }
  static const json none = json::object();
  const json& known = schema.contains("properties") ? schema["properties"] : none;
  const bool is_open = schema.contains("additionalProperties") && schema["additionalProperties"].is_object();
  for (const auto& [key, below] : value.items()) {
    if (!known.contains(key) && !is_open) return path + ": unknown key " + key;
    const json& form = known.contains(key) ? known[key] : schema["additionalProperties"];
    if (std::string found = objection(below, form, path + "." + key); !found.empty()) return found;
  }
  return "";
}

std::vector<json> jobs_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  Complaints complaints;
  std::vector<json> jobs;
  for (const NodePtr& document : parse_yaml(make_source(file.string(), {}, text), text, complaints))
    jobs.push_back(as_json(*document));
  complaints.throw_if_any();
  return jobs;
}

std::string objection(const std::string& job) {
  Complaints complaints;
  const NodePtr node = parse_yaml(make_source("job", {}, job), job, complaints).front();
  return objection(as_json(*node), json::parse(job_schema_json()), "job");
}

const std::string kTraining = "training: {sequence_length: 8192, global_batch: 8, micro_batch: 1}\n";

}  // namespace

TEST_CASE("all jobs that come with the tool follow the schema") {
  const json schema = json::parse(job_schema_json());
  std::size_t jobs = 0;
  for (const char* folder : {"configs/jobs", "configs/measured"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kRoot / folder)) {
      if (entry.path().extension() != ".yaml") continue;
      for (const json& job : jobs_in(entry.path())) {
        INFO(entry.path().string() << " " << job.value("name", ""));
        CHECK(objection(job, schema, "job") == "");
        ++jobs;
      }
    }
  }
  CHECK(jobs >= 165);
}

TEST_CASE("all models, clusters and accelerators that come with the tool follow the schema") {
  const json properties = json::parse(job_schema_json())["properties"];
  const json& cluster = properties["cluster"]["anyOf"][1];
  const std::vector<std::pair<std::string, json>> kinds = {
      {"models", properties["model"]["anyOf"][1]},
      {"clusters", cluster},
      {"accelerators", cluster["properties"]["accelerator"]["anyOf"][1]}};
  for (const auto& [folder, schema] : kinds) {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kRoot / "configs" / folder)) {
      INFO(entry.path().string());
      CHECK(objection(jobs_in(entry.path()).at(0), schema, folder) == "");
      ++files;
    }
    CHECK(files >= 14);
  }
}

TEST_CASE("the schema has every key of the readers, and their descriptions") {
  const json schema = json::parse(job_schema_json());
  CHECK(schema["properties"].size() == job_keys().size());
  for (const KeyInfo& info : parallelism_keys()) {
    CHECK(schema["properties"]["parallelism"]["properties"][std::string(info.key)]["description"] ==
          std::string(info.description));
  }
}

TEST_CASE("the schema refuses what readers refuse") {
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\n" + kTraining) == "");
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\n") == "job: lacks \"training\"");
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\nmodle: x\n" + kTraining) == "job: unknown key modle");
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\nparallelism: {tp: 0}\n" + kTraining) ==
        "job.parallelism.tp: too small");
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\nparallelism: {tp: two}\n" + kTraining) ==
        "job.parallelism.tp: no \"integer\"");
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\nlora: {rank: 8, targets: [tables]}\n" + kTraining)
            .find("job.lora.targets[]: not one of [\"attention\",\"ffn\",\"q\"") == 0);
  CHECK(objection("model: llama3-8b\ncluster: dgx-h100\nparallelism: {cp_style: rings}\n" + kTraining)
            .find("job.parallelism.cp_style: not one of") == 0);
}
