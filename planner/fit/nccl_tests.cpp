#include "planner/fit/nccl_tests.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "planner/spec/yaml/source_text.hpp"
#include "planner/units/read_number.hpp"

namespace foreshard {
namespace {

struct NamedTest {
  std::string_view name;
  std::optional<LinkOperation> operation;  ///< none: no plan uses it
};
constexpr std::array<NamedTest, 11> kTests{{{"all_reduce", LinkOperation::all_reduce},
                                            {"all_gather", LinkOperation::all_gather},
                                            {"reduce_scatter", LinkOperation::reduce_scatter},
                                            {"alltoallv", std::nullopt},
                                            {"alltoall", LinkOperation::all_to_all},
                                            {"sendrecv", LinkOperation::transfer},
                                            {"broadcast", std::nullopt},
                                            {"hypercube", std::nullopt},
                                            {"scatter", std::nullopt},
                                            {"gather", std::nullopt},
                                            {"reduce", std::nullopt}}};
constexpr const char* kReadTests = "all_reduce, all_gather, reduce_scatter, alltoall or sendrecv";

/// The test that a text names; the first of the table that stands in it.
const NamedTest* test_in(std::string_view text) {
  const auto found = std::find_if(kTests.begin(), kTests.end(), [&](const NamedTest& test) {
    return text.find(test.name) != std::string_view::npos;
  });
  return found == kTests.end() ? nullptr : &*found;
}

std::vector<std::string> words_of_line(const std::string& line) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(std::move(word));
  return words;
}

template <class Number>
std::optional<Number> number_in(const std::string& word) {
  Number value{};
  const auto [end, error] = read_number(word.data(), word.data() + word.size(), value);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

class NcclTestsReader {
 public:
  NcclTestsReader(const std::string& text, const std::string& name, Complaints& complaints)
      : source_(make_source(name, std::filesystem::path(), text)),
        complaints_(complaints),
        of_file_(test_in(std::filesystem::path(name).filename().string())) {}

  NcclTestsOutput read() {
    const std::size_t before = complaints_.size();
    for (const std::string& line : source_->lines) {
      ++number_;
      read_line(line);
    }
    finish();
    if (output_.tests.empty() && output_.passed_over.empty() && complaints_.size() == before)
      complaints_.add({source_, 0, 0}, "", "there is no test of nccl-tests in it",
                      "what all_reduce_perf and the others print");
    return std::move(output_);
  }

 private:
  [[nodiscard]] Place here() const { return {source_, number_, 1}; }

  void read_line(const std::string& line) {
    const std::vector<std::string> words = words_of_line(line);
    if (words.empty()) return;
    if (words[0] != "#") {
      if (!time_column_ || std::isdigit(static_cast<unsigned char>(words[0][0])) == 0) return;
      read_size(words);
    } else if (line.find("Collective test starting:") != std::string::npos) {
      finish();
      named_ = words.back();
      named_at_ = here();
    } else if (words.size() > 1 && words[1] == "nThread") {
      if (!hosts_.empty()) finish();
      if (!named_at_.source) named_at_ = here();
    } else if (words.size() > 8 && words[1] == "Rank") {
      read_rank(words);
    } else if (words.size() > 2 && words[1] == "size") {
      read_columns(words);
    }
  }

  /// "# Rank 0 Group 0 Pid 1 on host device 0 …": the host follows "on".
  void read_rank(const std::vector<std::string>& words) {
    const auto on = std::find(words.begin(), words.end(), "on");
    if (on == words.end() || on + 1 == words.end()) return;
    hosts_.insert(*(on + 1));
    ++test_.ranks;
  }

  /// The columns of the first group, out of place. Each heading stands above a word of a row of sizes.
  void read_columns(const std::vector<std::string>& words) {
    const auto column = std::find_if(words.begin() + 1, words.end(), [](const std::string& word) {
      return word == "time" || word == "cputime";
    });
    if (column == words.end()) {
      complaints_.add(here(), "", "there is no column of times");
      return;
    }
    time_column_ = static_cast<std::size_t>(column - words.begin()) - 1;
  }

  void read_size(const std::vector<std::string>& words) {
    const auto size = number_in<std::int64_t>(words[0]);
    const auto time = words.size() > *time_column_ ? number_in<double>(words[*time_column_]) : std::nullopt;
    if (!size || !time || *time < 0.0) {
      complaints_.add(here(), "", "expected a size in bytes and a time in microseconds");
      return;
    }
    if (*size == 0 || *time == 0.0) return;
    const Seconds median = *time * kMicrosecond;
    test_.sizes.push_back(
        {.payload = Bytes(*size),
         .time = {.median = median, .lower_quartile = median, .upper_quartile = median, .samples = 1}});
  }

  /// Keeps the test that has been read, if there is one, and begins the next.
  void finish() {
    const bool is_there = time_column_ || named_at_.source;
    if (is_there) keep();
    test_ = {};
    hosts_.clear();
    time_column_.reset();
    named_.clear();
    named_at_ = {};
  }

  void keep() {
    const Place place = named_at_.source ? named_at_ : Place{source_, 0, 0};
    const NamedTest* const test = named_.empty() ? of_file_ : test_in(named_);
    if (test == nullptr) {
      complaints_.add(place, "", "which operation was measured is not said",
                      fmt::format("name the file after its test: {}", kReadTests));
      return;
    }
    if (!test->operation) {
      output_.passed_over.emplace_back(test->name);
      return;
    }
    if (test_.ranks < 2) {
      complaints_.add(place, "", fmt::format("the test lists {} ranks", test_.ranks),
                      "two or more lines '#  Rank  0 Group  0 Pid 1 on host device  0'");
      return;
    }
    test_.nodes = static_cast<std::int64_t>(hosts_.size());
    if (test_.ranks % test_.nodes != 0) {
      complaints_.add(place, "",
                      fmt::format("{} ranks are not spread evenly over {} hosts", test_.ranks, test_.nodes));
      return;
    }
    if (test_.sizes.empty()) {
      complaints_.add(place, "", "the test has no sizes");
      return;
    }
    test_.operation = *test->operation;
    for (MeasuredLink& size : test_.sizes) {
      size.operation = test_.operation;
      size.time.ranks = test_.ranks;
    }
    output_.tests.push_back(std::move(test_));
  }

  SourcePtr source_;
  Complaints& complaints_;
  const NamedTest* of_file_;
  NcclTestsOutput output_;
  int number_ = 0;
  NcclTest test_;
  std::set<std::string> hosts_;
  std::optional<std::size_t> time_column_;
  std::string named_;
  Place named_at_;
};

}  // namespace

NcclTestsOutput read_nccl_tests(const std::string& text, const std::string& name, Complaints& complaints) {
  return NcclTestsReader(text, name, complaints).read();
}

}  // namespace foreshard
