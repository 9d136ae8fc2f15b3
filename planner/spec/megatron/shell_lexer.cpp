#include "planner/spec/megatron/shell_lexer.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace foreshard::detail {

namespace {

class Lexer {
 public:
  Lexer(std::string_view text, std::vector<ShellText>& documents) : text_(text), documents_(documents) {}

  std::vector<ShellToken> lex() {
    std::vector<ShellToken> tokens;
    while (true) {
      ShellToken token = next();
      const bool is_end = token.kind == ShellToken::Kind::end;
      tokens.push_back(std::move(token));
      if (is_end) return tokens;
    }
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] Spot spot() const { return spot_; }

  char advance() {
    const char c = text_[at_++];
    if (c == '\n') {
      ++spot_.line;
      spot_.column = 1;
    } else {
      ++spot_.column;
    }
    return c;
  }

  /// Skips blanks, escaped line ends and comments; not line ends.
  void skip_blanks() {
    while (!done()) {
      if (peek() == '\\' && peek(1) == '\n') {
        advance();
        advance();
      } else if (peek() == '\\' && peek(1) == '\r' && peek(2) == '\n') {
        for (int i = 0; i < 3; ++i) advance();
      } else if (peek() == ' ' || peek() == '\t' || peek() == '\r') {
        advance();
      } else if (peek() == '#') {
        while (!done() && peek() != '\n') advance();
      } else {
        return;
      }
    }
  }

  ShellToken op(std::string text) {
    ShellToken token;
    token.kind = ShellToken::Kind::op;
    token.spot = spot();
    for (std::size_t i = 0; i < text.size(); ++i) advance();
    token.op = text == "\n" ? ";" : std::move(text);
    return token;
  }

  ShellToken next() {
    skip_blanks();
    if (done()) return {};
    for (const char* const known : {"&&", "||", ";;", "<<<", "<<-", "<<", ">>", ">&", "<&", "&>"}) {
      if (!text_.substr(at_).starts_with(known)) continue;
      ShellToken token = op(known);
      if (token.op == "<<" || token.op == "<<-") wait_for_document();
      return token;
    }
    if (peek() == '\n') {
      ShellToken token = op("\n");
      read_documents();
      return token;
    }
    if (std::string_view(";&|()<>").find(peek()) != std::string_view::npos) return op(std::string(1, peek()));
    return word();
  }

  /// After "<<": the word that ends the document, which begins in the next line.
  void wait_for_document() {
    while (peek() == ' ' || peek() == '\t') advance();
    std::string end;
    while (!done() && (is_shell_name_char(peek()) || peek() == '\'' || peek() == '"' || peek() == '-')) {
      const char c = advance();
      if (c != '\'' && c != '"') end.push_back(c);
    }
    if (!end.empty()) ends_.push_back(end);
  }

  void read_documents() {
    for (const std::string& end : std::exchange(ends_, {})) {
      ShellText body;
      while (!done()) {
        ShellText line;
        while (!done() && peek() != '\n') {
          const Spot here = spot();
          line.push(advance(), here);
        }
        const std::size_t first = line.chars().find_first_not_of('\t');
        const bool is_end = first != std::string::npos && line.chars().substr(first) == end;
        const Spot here = spot();
        if (!done()) advance();
        if (is_end) break;
        body.append(line);
        body.push('\n', here);
      }
      documents_.push_back(std::move(body));
    }
  }

  ShellToken word() {
    ShellToken token;
    token.kind = ShellToken::Kind::word;
    token.spot = spot();
    ShellPart literal;
    literal.spot = spot();
    const auto flush = [&] {
      if (!literal.text.empty()) token.parts.push_back(std::exchange(literal, {}));
      literal = {};
      literal.spot = spot();
    };
    while (!done()) {
      const char c = peek();
      if (c == '(' && is_assignment(token, literal)) {
        flush();
        return array(std::move(token));
      }
      if (std::string_view(" \t\r\n;&|()<>").find(c) != std::string_view::npos) break;
      if (c == '\\') {
        advance();
        const Spot here = spot();
        if (!done()) {
          const char escaped = advance();
          if (escaped != '\n') literal.text.push(escaped, here);
        }
      } else if (c == '\'') {
        flush();
        token.parts.push_back(single_quoted());
      } else if (c == '"') {
        flush();
        double_quoted(token.parts);
      } else if (c == '$' || c == '`') {
        flush();
        token.parts.push_back(dollar(false));
      } else {
        const Spot here = spot();
        literal.text.push(advance(), here);
      }
    }
    flush();
    // The number of a file before a redirection, 2>&1, is no word.
    const std::string plain = token.plain();
    const bool is_redirected = !plain.empty() && (peek() == '>' || peek() == '<');
    const bool is_number =
        std::all_of(plain.begin(), plain.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    return is_redirected && is_number ? next() : token;
  }

  /// True if what has been read of a word is NAME= or NAME+=, after which '(' begins an array.
  static bool is_assignment(const ShellToken& token, const ShellPart& literal) {
    const std::string& text = literal.text.chars();
    if (!token.parts.empty() || text.size() < 2 || text.back() != '=') return false;
    const std::size_t name = text.size() - (text[text.size() - 2] == '+' ? 2 : 1);
    return name > 0 &&
           std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(name), is_shell_name_char);
  }

  ShellToken array(ShellToken token) {
    token.kind = ShellToken::Kind::array;
    advance();
    while (true) {
      skip_blanks();
      if (done()) return token;
      if (peek() == '\n') {
        advance();
      } else if (peek() == ')') {
        advance();
        return token;
      } else if (std::string_view(";&|(<>").find(peek()) != std::string_view::npos) {
        advance();  // no array of arguments has these
      } else {
        token.items.push_back(word());
      }
    }
  }

  ShellPart single_quoted() {
    ShellPart part;
    part.is_quoted = true;
    advance();
    part.spot = spot();
    while (!done() && peek() != '\'') {
      const Spot here = spot();
      part.text.push(advance(), here);
    }
    if (!done()) advance();
    return part;
  }

  void double_quoted(std::vector<ShellPart>& parts) {
    advance();
    ShellPart literal;
    literal.is_quoted = true;
    literal.spot = spot();
    const std::size_t before = parts.size();
    while (!done() && peek() != '"') {
      if (peek() == '\\' && peek(1) == '\n') {
        advance();
        advance();
      } else if (peek() == '\\' && std::string_view("\"\\$`").find(peek(1)) != std::string_view::npos) {
        advance();
        const Spot here = spot();
        literal.text.push(advance(), here);
      } else if (peek() == '$' || peek() == '`') {
        if (!literal.text.empty()) parts.push_back(std::exchange(literal, {}));
        literal.is_quoted = true;
        parts.push_back(dollar(true));
      } else {
        const Spot here = spot();
        literal.text.push(advance(), here);
      }
    }
    if (!done()) advance();
    if (!literal.text.empty() || parts.size() == before) parts.push_back(std::move(literal));
  }

  /// What follows '$' or '`'.
  ShellPart dollar(bool is_quoted) {
    ShellPart part;
    part.is_quoted = is_quoted;
    part.spot = spot();
    if (advance() == '`') {
      part.kind = ShellPart::Kind::command;
      while (!done() && peek() != '`') take(part);
      if (!done()) advance();
      return part;
    }
    part.kind = ShellPart::Kind::variable;
    if (peek() == '(' && peek(1) == '(') {
      part.kind = ShellPart::Kind::arithmetic;
      advance();
      balanced(part, '(', ')');
      if (peek() == ')') advance();
    } else if (peek() == '(') {
      part.kind = ShellPart::Kind::command;
      balanced(part, '(', ')');
    } else if (peek() == '{') {
      balanced(part, '{', '}');
    } else if (is_shell_name_char(peek()) && std::isdigit(static_cast<unsigned char>(peek())) == 0) {
      while (!done() && is_shell_name_char(peek())) take(part);
    } else if (!done() && std::string_view("0123456789@*#?$!-").find(peek()) != std::string_view::npos) {
      take(part);
    } else {
      part.kind = ShellPart::Kind::literal;
      part.text.push('$', part.spot);
    }
    return part;
  }

  void take(ShellPart& part) {
    const Spot here = spot();
    part.text.push(advance(), here);
  }

  /// What is between balanced brackets, the first of which is next.
  void balanced(ShellPart& part, char open, char close) {
    int depth = 0;
    while (!done()) {
      const char c = peek();
      if (c == open && depth++ == 0) {
        advance();
        continue;
      }
      if (c == close && --depth == 0) {
        advance();
        return;
      }
      take(part);
    }
  }

  std::string_view text_;
  std::vector<ShellText>& documents_;
  std::vector<std::string> ends_;  ///< of here-documents that begin in the next line
  std::size_t at_ = 0;
  Spot spot_{};
};

}  // namespace

std::string ShellToken::plain() const {
  std::string text;
  if (kind != Kind::word) return text;
  for (const ShellPart& part : parts) {
    if (part.kind != ShellPart::Kind::literal || part.is_quoted) return {};
    text += part.text.chars();
  }
  return text;
}

std::vector<ShellToken> lex_shell(std::string_view script, std::vector<ShellText>& documents) {
  return Lexer(script, documents).lex();
}

}  // namespace foreshard::detail
