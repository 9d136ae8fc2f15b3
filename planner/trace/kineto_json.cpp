#include "planner/trace/kineto_json.hpp"

#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "planner/spec/yaml/diagnostic.hpp"

namespace foreshard {
namespace {

using TraceJson = nlohmann::json;

/// Where in the file the reader is.
enum class TraceLevel : std::uint8_t {
  other,
  root,
  events,
  event,
  arguments,
  distributed,
  groups,
  group,
  ranks,
  devices,
  device
};

class TraceHandler : public nlohmann::json_sax<TraceJson> {
 public:
  explicit TraceHandler(const std::function<void(const TraceEvent&)>& use) : use_(use) {}

  TraceHeader take() { return std::move(header_); }
  [[nodiscard]] bool has_events() const { return has_events_; }
  [[nodiscard]] const std::string& error() const { return error_; }

  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return number(value); }
  bool string(string_t& value) override {
    switch (level()) {
      case TraceLevel::event: event_string(value); break;
      case TraceLevel::arguments: argument_string(value); break;
      case TraceLevel::group:
        if (key_ == "pg_name") header_.groups.back().name = value;
        if (key_ == "pg_desc") header_.groups.back().description = value;
        if (key_ == "ranks") header_.groups.back().ranks = ranks_in(value);
        break;
      case TraceLevel::device:
        if (key_ == "name" && header_.device.empty()) header_.device = value;
        break;
      default: break;
    }
    return true;
  }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*size*/) override {
    levels_.push_back(object_in(level()));
    if (level() == TraceLevel::event) {
      event_ = {};
      phase_.clear();
    }
    if (level() == TraceLevel::group) header_.groups.emplace_back();
    return true;
  }
  bool key(string_t& value) override {
    key_ = value;
    return true;
  }
  bool end_object() override {
    if (level() == TraceLevel::event && phase_ == "X") use_(event_);
    levels_.pop_back();
    return true;
  }
  bool start_array(std::size_t /*size*/) override {
    levels_.push_back(array_in(level()));
    if (level() == TraceLevel::events) has_events_ = true;
    return true;
  }
  bool end_array() override {
    levels_.pop_back();
    return true;
  }
  bool parse_error(std::size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    const std::string_view text =
        error.what();  // "[json.exception.parse_error.101] parse error at line 1, …"
    const std::size_t prefix = text.find("] ");
    error_ = prefix == std::string_view::npos ? text : text.substr(prefix + 2);
    return false;
  }

 private:
  [[nodiscard]] TraceLevel level() const { return levels_.empty() ? TraceLevel::other : levels_.back(); }
  [[nodiscard]] TraceLevel object_in(TraceLevel outer) const {
    if (levels_.empty()) return TraceLevel::root;
    switch (outer) {
      case TraceLevel::events: return TraceLevel::event;
      case TraceLevel::event: return key_ == "args" ? TraceLevel::arguments : TraceLevel::other;
      case TraceLevel::root: return key_ == "distributedInfo" ? TraceLevel::distributed : TraceLevel::other;
      case TraceLevel::groups: return TraceLevel::group;
      case TraceLevel::devices: return TraceLevel::device;
      default: return TraceLevel::other;
    }
  }
  [[nodiscard]] TraceLevel array_in(TraceLevel outer) const {
    if (outer == TraceLevel::root && key_ == "traceEvents") return TraceLevel::events;
    if (outer == TraceLevel::root && key_ == "deviceProperties") return TraceLevel::devices;
    if (outer == TraceLevel::distributed && key_ == "pg_config") return TraceLevel::groups;
    if (outer == TraceLevel::group && key_ == "ranks") return TraceLevel::ranks;
    return TraceLevel::other;
  }

  bool number(double value) {
    const auto whole = static_cast<std::int64_t>(value);
    switch (level()) {
      case TraceLevel::event:
        if (key_ == "ts") event_.begin_us = value;
        if (key_ == "dur") event_.duration_us = value;
        break;
      case TraceLevel::arguments:
        if (key_ == "device") event_.device = whole;
        if (key_ == "correlation") event_.correlation = whole;
        if (key_ == "Group size") event_.group_size = whole;
        if (key_ == "In msg nelems") event_.in_elements = whole;
        if (key_ == "Out msg nelems") event_.out_elements = whole;
        break;
      case TraceLevel::distributed:
        if (key_ == "rank") header_.rank = whole;
        if (key_ == "world_size") header_.world_size = whole;
        break;
      case TraceLevel::ranks: header_.groups.back().ranks.push_back(whole); break;
      default: break;
    }
    return true;
  }
  void event_string(std::string& value) {
    if (key_ == "name") event_.name = std::move(value);
    if (key_ == "cat") event_.category = std::move(value);
    if (key_ == "ph") phase_ = std::move(value);
  }
  void argument_string(std::string& value) {
    if (key_ == "Collective name") event_.collective = std::move(value);
    if (key_ == "Process Group Name") event_.group = std::move(value);
    if (key_ == "Process Group Description") event_.group_description = std::move(value);
    if (key_ == "Process Group Ranks") event_.group_ranks = std::move(value);
    if (key_ == "dtype") event_.dtype = std::move(value);
  }

  const std::function<void(const TraceEvent&)>& use_;
  TraceHeader header_;
  std::vector<TraceLevel> levels_;
  std::string key_;
  TraceEvent event_;
  std::string phase_;
  std::string error_;
  bool has_events_ = false;
};

[[noreturn]] void refuse_trace(const std::string& name, std::string message) {
  throw SpecError(
      {{.mark = {.file = name, .line = 0, .column = 0},
        .path = {},
        .message = std::move(message),
        .allowed = "a trace of PyTorch's profiler, as export_chrome_trace writes it, .json or .json.gz",
        .line_text = {}}});
}

}  // namespace

TraceHeader read_kineto(std::istream& in, const std::string& name,
                        const std::function<void(const TraceEvent&)>& use) {
  TraceHandler handler(use);
  const bool is_whole = TraceJson::sax_parse(in, &handler);
  if (!is_whole) refuse_trace(name, "not JSON: " + handler.error());
  if (!handler.has_events()) refuse_trace(name, "there are no traceEvents");
  return handler.take();
}

std::vector<std::int64_t> ranks_in(const std::string& text) {
  std::vector<std::int64_t> ranks;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    if (*at == '[' || *at == ']' || *at == ',' || *at == ' ') {
      ++at;
      continue;
    }
    std::int64_t rank = 0;
    const auto [stop, error] = std::from_chars(at, end, rank);
    if (error != std::errc{}) return {};
    ranks.push_back(rank);
    at = stop;
  }
  return ranks;
}

}  // namespace foreshard
