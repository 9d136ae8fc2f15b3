#include "planner/spec/megatron/megatron_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/core.h>

#include "planner/spec/megatron/shell_text.hpp"
#include "planner/spec/yaml/node_edit.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard::detail {

namespace {

/// The keys of a job that flags say directly. If the command line sets such a key, the flag's value need not be
/// known.
struct DirectFlag {
  std::string_view flag;
  std::string_view key;
};
constexpr auto kDirect = std::to_array<DirectFlag>({
    {"--num-layers", "model.layers"},
    {"--hidden-size", "model.hidden"},
    {"--ffn-hidden-size", "model.ffn_hidden"},
    {"--num-attention-heads", "model.heads"},
    {"--num-query-groups", "model.kv_heads"},
    {"--kv-channels", "model.head_dim"},
    {"--vocab-size", "model.vocab"},
    {"--tensor-model-parallel-size", "parallelism.tp"},
    {"--pipeline-model-parallel-size", "parallelism.pp"},
    {"--context-parallel-size", "parallelism.cp"},
    {"--expert-model-parallel-size", "parallelism.ep"},
    {"--expert-tensor-parallel-size", "parallelism.etp"},
    {"--micro-batch-size", "training.micro_batch"},
    {"--global-batch-size", "training.global_batch"},
    {"--seq-length", "training.sequence_length"},
});

std::string_view key_of(std::string_view flag) {
  const auto* const found = std::find_if(kDirect.begin(), kDirect.end(),
                                         [&](const DirectFlag& direct) { return direct.flag == flag; });
  return found == kDirect.end() ? std::string_view{} : found->key;
}

}  // namespace

FlagReader::FlagReader(std::vector<Flag> flags, const Place& whole, std::set<std::string> overridden,
                       Complaints& complaints)
    : flags_(std::move(flags)), whole_(whole), overridden_(std::move(overridden)), complaints_(&complaints) {}

const Flag* FlagReader::find(std::string_view name) const {
  const auto found =
      std::find_if(flags_.rbegin(), flags_.rend(), [&](const Flag& flag) { return flag.name == name; });
  if (found == flags_.rend()) return nullptr;
  used_.emplace(name);
  return &*found;
}

bool FlagReader::is_overridden(std::string_view key) const {
  if (key.empty()) return false;
  const std::string whole(key);
  return overridden_.contains(whole) || overridden_.contains(whole.substr(0, whole.find('.')));
}

std::optional<std::string> FlagReader::text(std::string_view name) const {
  const Flag* const flag = find(name);
  if (flag == nullptr) return std::nullopt;
  if (flag->values.empty()) {
    complain(name, fmt::format("{} has no value", name));
    return std::nullopt;
  }
  const FlagValue& value = flag->values.front();
  const std::string unknown = unknown_in(value.text);
  if (unknown.empty()) return value.text;
  const std::string_view key = key_of(name);
  if (is_overridden(key)) return std::nullopt;
  complaints_->add(value.place, std::string(name),
                   fmt::format("its value depends on ${}, which the file does not set", unknown),
                   key.empty() ? fmt::format("set {} in the file", unknown)
                               : fmt::format("set {} in the file, or --set {}=…", unknown, key));
  return std::nullopt;
}

std::string FlagReader::text_or(std::string_view name, const std::string& fallback) const {
  return text(name).value_or(fallback);
}

std::optional<std::string> FlagReader::known_text(std::string_view name) const {
  const Flag* const flag = find(name);
  if (flag == nullptr || flag->values.empty() || !unknown_in(flag->values.front().text).empty())
    return std::nullopt;
  return flag->values.front().text;
}

std::optional<std::int64_t> FlagReader::whole(std::string_view name) const {
  const std::optional<std::string> said = text(name);
  if (!said) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(said->data(), said->data() + said->size(), number);
  if (error == std::errc{} && end == said->data() + said->size() && number >= 0) return number;
  complain(name, fmt::format("expected a whole number, found {}", quote(*said)));
  return std::nullopt;
}

std::int64_t FlagReader::whole_or(std::string_view name, std::int64_t fallback) const {
  return whole(name).value_or(fallback);
}

double FlagReader::real_or(std::string_view name, double fallback) const {
  const std::optional<std::string> said = text(name);
  if (!said) return fallback;
  double number = 0.0;
  const auto [end, error] = read_number(said->data(), said->data() + said->size(), number);
  if (error == std::errc{} && end == said->data() + said->size()) return number;
  complain(name, fmt::format("expected a number, found {}", quote(*said)));
  return fallback;
}

std::vector<std::string> FlagReader::list(std::string_view name) const {
  std::vector<std::string> words;
  if (!text(name)) return words;
  for (const FlagValue& value : find(name)->values) {
    std::size_t begin = 0;
    while (begin <= value.text.size()) {
      const std::size_t end = std::min(value.text.find(',', begin), value.text.size());
      if (end > begin) words.push_back(value.text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return words;
}

std::string_view FlagReader::one_of(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    if (has(name)) return name;
  }
  return *names.begin();
}

void FlagReader::knows(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) (void)find(name);
}

Place FlagReader::place(std::string_view name) const {
  const Flag* const flag = find(name);
  if (flag == nullptr) return whole_;
  return flag->values.empty() ? flag->place : flag->values.front().place;
}

void FlagReader::complain(std::string_view name, std::string message, std::string allowed) const {
  complaints_->add(place(name), std::string(name), std::move(message), std::move(allowed));
}

void FlagReader::complain_of_missing(std::string_view name, std::string allowed) const {
  if (is_overridden(key_of(name))) return;
  complaints_->add(whole_, "", fmt::format("the flag {} is missing", name), std::move(allowed));
}

std::vector<const Flag*> FlagReader::unread() const {
  std::vector<const Flag*> all;
  std::set<std::string_view> seen;
  for (const Flag& flag : flags_) {
    if (!used_.contains(flag.name) && seen.insert(flag.name).second) all.push_back(&flag);
  }
  return all;
}

}  // namespace foreshard::detail
