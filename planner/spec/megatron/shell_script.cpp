#include "planner/spec/megatron/shell_script.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <regex>

#include "planner/spec/megatron/shell_lexer.hpp"
#include "planner/spec/megatron/shell_test.hpp"
#include "planner/spec/megatron/shell_values.hpp"

namespace foreshard::detail {

namespace {

using Kind = ShellToken::Kind;

/// NAME=value or NAME+=value.
struct Assignment {
  std::string name;
  bool is_appended = false;
  std::size_t value_at = 0;  ///< in the first part of the token
};

std::optional<Assignment> assignment_of(const ShellToken& token) {
  if (token.parts.empty() || token.parts.front().kind != ShellPart::Kind::literal ||
      token.parts.front().is_quoted)
    return std::nullopt;
  const std::string& text = token.parts.front().text.chars();
  std::size_t end = 0;
  while (end < text.size() && is_shell_name_char(text[end])) ++end;
  if (end == 0 || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return std::nullopt;
  const bool is_appended = text.compare(end, 2, "+=") == 0;
  if (!is_appended && text.compare(end, 1, "=") != 0) return std::nullopt;
  return Assignment{text.substr(0, end), is_appended, end + (is_appended ? 2U : 1U)};
}

class Follower {
 public:
  Follower(std::vector<ShellToken> tokens, ShellValues values, ShellScript& script)
      : tokens_(std::move(tokens)), values_(std::move(values)), script_(script) {}

  void follow() {
    while (peek().kind != Kind::end) {
      list({}, true);
      if (peek().kind != Kind::end) ++at_;  // a stray "fi" or "}"
    }
  }
  [[nodiscard]] const ShellValues& values() const { return values_; }

 private:
  [[nodiscard]] const ShellToken& peek() const { return tokens_[std::min(at_, tokens_.size() - 1)]; }
  [[nodiscard]] bool is_op(const char* op) const { return peek().kind == Kind::op && peek().op == op; }
  [[nodiscard]] bool is_word(const char* word) const { return peek().plain() == word; }

  void skip_separators() {
    while (is_op(";") || is_op("&")) ++at_;
  }

  /// Statements up to one of these words, which is not consumed. Statements that do not run are passed over.
  /// Returns whether the last one succeeded, as far as that is known.
  std::optional<bool> list(const std::vector<const char*>& ends, bool runs) {
    std::optional<bool> last = true;
    while (true) {
      skip_separators();
      if (peek().kind == Kind::end || is_op(";;")) return last;
      const std::string word = peek().plain();
      if (std::find(ends.begin(), ends.end(), word) != ends.end() && !word.empty()) return last;
      static const std::vector<std::string> kClosing{"fi", "done", "esac", "}", "then", "else", "elif", "do"};
      if (std::find(kClosing.begin(), kClosing.end(), word) != kClosing.end()) return last;
      if (is_op(")")) return last;
      last = chain(runs);
    }
  }

  /// Commands joined by && and ||.
  std::optional<bool> chain(bool runs) {
    std::optional<bool> last = statement(runs);
    while (is_op("&&") || is_op("||")) {
      const bool is_and = is_op("&&");
      ++at_;
      skip_separators();
      const bool next_runs = runs && (is_and ? last == true : last == false);
      const std::optional<bool> next = statement(next_runs);
      if (next_runs) last = next;
    }
    return last;
  }

  std::optional<bool> statement(bool runs) {
    const std::size_t before = at_;
    std::optional<bool> result = true;
    if (is_word("if")) {
      conditional(runs);
    } else if (is_word("case")) {
      choice(runs);
    } else if (is_word("for") || is_word("while") || is_word("until") || is_word("select")) {
      loop();
    } else if (is_word("{")) {
      ++at_;
      result = list({"}"}, runs);
      if (is_word("}")) ++at_;
    } else if (is_op("(")) {
      ++at_;
      result = list({}, runs);
      while (is_op(")")) ++at_;
    } else if (is_word("[[") || is_word("[") || is_word("test") || is_word("!")) {
      result = test();
    } else {
      command(runs);
    }
    if (at_ == before) ++at_;
    return result;
  }

  void conditional(bool runs) {
    ++at_;
    bool is_decided = false;
    while (true) {
      const std::optional<bool> holds = list({"then"}, false);
      if (is_word("then")) ++at_;
      const bool taken = runs && !is_decided && holds == true;
      list({"elif", "else", "fi"}, taken);
      is_decided = is_decided || taken;
      if (!is_word("elif")) break;
      ++at_;
    }
    if (is_word("else")) {
      ++at_;
      list({"fi"}, runs && !is_decided);
    }
    if (is_word("fi")) ++at_;
  }

  void choice(bool runs) {
    ++at_;
    const std::string subject = without_unknown(values_.text(peek()).chars());
    ++at_;
    skip_separators();
    if (is_word("in")) ++at_;
    bool is_decided = false;
    while (true) {
      skip_separators();
      if (peek().kind == Kind::end || is_word("esac")) break;
      bool matches = false;
      while (peek().kind != Kind::end && !is_op(")")) {
        if (peek().kind == Kind::word)
          matches = matches || shell_matches(without_unknown(values_.text(peek()).chars()), subject);
        ++at_;
      }
      if (is_op(")")) ++at_;
      list({"esac"}, runs && matches && !is_decided);
      is_decided = is_decided || matches;
      if (is_op(";;")) ++at_;
    }
    if (is_word("esac")) ++at_;
  }

  void loop() {
    while (peek().kind != Kind::end && !is_word("do")) ++at_;
    if (is_word("do")) ++at_;
    list({"done"}, false);
    if (is_word("done")) ++at_;
  }

  std::optional<bool> test() {
    std::vector<std::string> words;
    bool negated = false;
    while (is_word("!")) {
      negated = !negated;
      ++at_;
    }
    if (!is_word("[[") && !is_word("[") && !is_word("test")) {
      command(false);
      return std::nullopt;
    }
    const bool has_end = !is_word("test");
    const std::string end = is_word("[[") ? "]]" : "]";
    for (++at_; peek().kind != Kind::end; ++at_) {
      if (has_end && is_word(end.c_str())) {
        ++at_;
        break;
      }
      if (is_op(";") || (!has_end && peek().kind == Kind::op)) break;
      words.push_back(peek().kind == Kind::op ? peek().op : without_unknown(values_.text(peek()).chars()));
    }
    const std::optional<bool> holds = shell_test(words);
    return negated && holds ? std::optional(!*holds) : holds;
  }

  void assign(const ShellToken& token, const Assignment& assignment) {
    std::vector<ShellText> items;
    if (token.kind == Kind::array) {
      for (const ShellToken& item : token.items) {
        for (ShellText& word : values_.words(item)) items.push_back(std::move(word));
      }
    } else {
      ShellToken right = token;
      ShellText& first = right.parts.front().text;
      first = first.part(assignment.value_at, first.size());
      items.push_back(values_.text(right));
    }
    if (assignment.is_appended)
      values_.append(assignment.name, items, token.kind == Kind::array);
    else
      values_.set(assignment.name, std::move(items));
  }

  /// One simple command: assignments, then words; with redirections and pipes to its end.
  void command(bool runs) {
    ShellCommand command;
    std::vector<std::pair<ShellToken, Assignment>> assignments;
    while (peek().kind == Kind::word || peek().kind == Kind::array) {
      const auto assignment = assignment_of(peek());
      static const std::vector<std::string> kPrefixes{"export",   "declare", "local",
                                                      "readonly", "typeset", "env"};
      const std::string word = peek().plain();
      const bool is_prefix =
          command.words.empty() && std::find(kPrefixes.begin(), kPrefixes.end(), word) != kPrefixes.end();
      if (assignment && command.words.empty()) {
        assignments.emplace_back(peek(), *assignment);
      } else if (!is_prefix && runs) {
        for (ShellText& each : values_.words(peek())) command.words.push_back(std::move(each));
      } else if (!is_prefix) {
        command.words.emplace_back("-", Spot{});
      }
      ++at_;
    }
    if (is_op("(") && command.words.size() == 1) return function();
    if (runs) {
      for (const auto& [token, assignment] : assignments) assign(token, assignment);
    }
    while (peek().kind != Kind::end && !is_op(";") && !is_op("&") && !is_op("&&") && !is_op("||") &&
           !is_op(";;") && !is_op(")"))
      ++at_;  // pipes and redirections
    if (!runs || command.words.empty()) return;
    const std::string& name = command.words.front().chars();
    if ((name == "source" || name == ".") && command.words.size() > 1)
      script_.read_files.push_back(without_unknown(command.words[1].chars()));
    script_.commands.push_back(std::move(command));
  }

  /// name() { … }: passed over.
  void function() {
    while (is_op("(") || is_op(")") || is_op(";")) ++at_;
    if (!is_word("{")) return;
    ++at_;
    list({"}"}, false);
    if (is_word("}")) ++at_;
  }

  std::vector<ShellToken> tokens_;
  ShellValues values_;
  ShellScript& script_;
  std::size_t at_ = 0;
};

/// The variables that Slurm sets from "#SBATCH" lines.
ShellValues slurm_values(std::string_view script) {
  ShellValues values;
  static const std::regex kOption(R"(^#SBATCH\s+(--nodes|-N|--gpus-per-node|--ntasks-per-node)[= ]\s*(\d+))");
  int line = 0;
  for (std::size_t begin = 0; begin < script.size();) {
    const std::size_t end = std::min(script.find('\n', begin), script.size());
    const std::string text(script.substr(begin, end - begin));
    ++line;
    std::smatch match;
    if (std::regex_search(text, match, kOption)) {
      const ShellText number(match[2].str(), {line, static_cast<int>(match.position(2)) + 1});
      const std::string option = match[1];
      const bool is_nodes = option == "--nodes" || option == "-N";
      const std::vector<const char*> names =
          is_nodes ? std::vector<const char*>{"SLURM_NNODES", "SLURM_JOB_NUM_NODES"}
          : option == "--gpus-per-node"
              ? std::vector<const char*>{"SLURM_GPUS_PER_NODE", "SLURM_GPUS_ON_NODE"}
              : std::vector<const char*>{"SLURM_NTASKS_PER_NODE"};
      for (const char* const name : names) values.set(name, {number});
    }
    begin = end + 1;
  }
  return values;
}

}  // namespace

ShellScript follow_shell(std::string_view text) {
  ShellScript script;
  std::vector<ShellText> documents;
  Follower follower(lex_shell(text, documents), slurm_values(text), script);
  follower.follow();
  for (const auto& [name, items] : follower.values().all()) {
    ShellCommand words;
    for (const ShellText& item : items) {
      for (ShellText& word : split_words(item)) words.words.push_back(std::move(word));
    }
    script.assigned.push_back(std::move(words));
  }
  for (const ShellText& document : documents) {
    ShellCommand words;
    words.words = split_words(follower.values().expanded(document));
    script.assigned.push_back(std::move(words));
  }
  return script;
}

}  // namespace foreshard::detail
