#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "planner/spec/yaml/map_reader.hpp"
#include "planner/spec/yaml/yaml_document.hpp"

namespace foreshard::detail {

/// A map of a job that a launch file describes. Each value keeps the place in the launch file that says it.
class LaunchMap {
 public:
  void say(std::string key, std::string value, const Place& place);
  void say(std::string key, const char* value, const Place& place) {
    say(std::move(key), std::string(value), place);
  }
  void say(std::string key, std::int64_t value, const Place& place) {
    say(std::move(key), std::to_string(value), place);
  }
  void say(std::string key, bool value, const Place& place) {
    say(std::move(key), std::string(value ? "true" : "false"), place);
  }
  void say_map(std::string key, const LaunchMap& map, const Place& place);
  void say_list(std::string key, const std::vector<std::string>& words, const Place& place);
  void say_node(std::string key, NodePtr node, const Place& place);
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] NodePtr node(const Place& place) const;

 private:
  std::vector<MapEntry> entries_;
};

/// A job as a launch file describes it, in the keys of a job file, before they are read.
struct LaunchJob {
  LaunchMap model;
  LaunchMap parallelism;
  LaunchMap training;
  std::string framework;                ///< its word
  std::int64_t nodes = 0;               ///< 0: the file does not say
  std::vector<std::string> left_out{};  ///< sentences on what the plan leaves out

  /// The job's map. It has no cluster: launch files do not say what they run on.
  [[nodiscard]] NodePtr node(const Place& place) const;
};

}  // namespace foreshard::detail
