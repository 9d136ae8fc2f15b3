#include "planner/trace/training_log.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "planner/fit/measured_time.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard {
namespace {

/// The line without escape sequences of colours (ESC [ … m), which torchtitan writes.
std::string without_colours(const std::string& line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] != '\x1b') {
      text += line[at];
      continue;
    }
    while (at < line.size() && line[at] != 'm') ++at;
  }
  return text;
}

/// The number after `label` and blanks; commas between its digits are left out. None if there is none.
std::optional<double> number_after(std::string_view line, std::string_view label) {
  const std::size_t found = line.find(label);
  if (found == std::string_view::npos) return std::nullopt;
  std::string digits;
  for (const char c : line.substr(std::min(line.size(), line.find_first_not_of(' ', found + label.size())))) {
    if (c == ',') continue;
    if ((c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-') break;
    digits += c;
  }
  double value = 0.0;
  const auto [end, error] = read_number(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || !(value > 0.0) || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<LoggedStep> step_in(const std::string& line) {
  LoggedStep logged;
  if (const auto milliseconds = number_after(line, "elapsed time per iteration (ms):")) {
    const auto step = number_after(line, "iteration ");
    if (!step) return std::nullopt;
    logged.step = static_cast<std::int64_t>(*step);
    logged.time = Seconds(*milliseconds * 1e-3);
    return logged;
  }
  const auto step = number_after(line, "step:");
  const auto rate = number_after(line, "tps:");
  if (!step || !rate) return std::nullopt;
  logged.step = static_cast<std::int64_t>(*step);
  logged.tokens_per_s = *rate;
  if (const auto memory = number_after(line, "memory:"))
    logged.memory = Bytes(static_cast<std::int64_t>(std::llround(*memory * kGibi)));
  return logged;
}

}  // namespace

std::vector<LoggedStep> read_training_log(std::istream& in) {
  std::vector<LoggedStep> steps;
  for (std::string line; std::getline(in, line);) {
    if (const auto step = step_in(without_colours(line))) steps.push_back(*step);
  }
  return steps;
}

std::optional<LoggedTimes> logged_times(const std::vector<LoggedStep>& steps, double tokens_per_step) {
  LoggedTimes result;
  std::vector<Seconds> times;
  for (const LoggedStep& step : steps) {
    if (step.time) times.push_back(*step.time);
    if (!step.time && step.tokens_per_s) times.emplace_back(tokens_per_step / *step.tokens_per_s);
    if (step.memory) result.memory = std::max(result.memory.value_or(Bytes()), *step.memory);
  }
  if (times.empty()) return std::nullopt;
  std::vector<Seconds> sorted = times;
  std::sort(sorted.begin(), sorted.end());
  result.steps = static_cast<std::int64_t>(times.size());
  result.median = quantile_of(sorted, 0.5);
  result.lower_quartile = quantile_of(sorted, 0.25);
  result.upper_quartile = quantile_of(sorted, 0.75);
  const Seconds fence = 1.5 * (result.upper_quartile - result.lower_quartile);
  result.outliers = std::count_if(times.begin(), times.end(), [&](Seconds time) {
    return time < result.lower_quartile - fence || time > result.upper_quartile + fence;
  });
  if (times.size() >= 6) {
    const auto third = static_cast<std::ptrdiff_t>(times.size() / 3);
    result.drift = measured_time({times.end() - third, times.end()}).median /
                       measured_time({times.begin(), times.begin() + third}).median -
                   1.0;
  }
  return result;
}

}  // namespace foreshard
