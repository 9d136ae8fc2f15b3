#include "planner/spec/yaml/yaml_document.hpp"

#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace foreshard {

namespace {

constexpr std::size_t kDeepest = 32;
constexpr std::int64_t kLargest = 100'000;

/// Thrown to stop the YAML parser in the middle of a document.
struct Refused : std::runtime_error {
  Refused(Place where, const std::string& why) : std::runtime_error(why), place(std::move(where)) {}
  Place place;
};

/// Builds the node tree from the parser's events. Unlike yaml-cpp's own tree, the events still have repeated
/// keys, the marks of keys and quotes; and parsing can stop at a deep or endless document before it is
/// expanded.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(SourcePtr source) : source_(std::move(source)) {}

  /// The document just parsed; null if it was empty.
  NodePtr take() { return std::exchange(root_, nullptr); }

  /// The innermost list or map in brackets or braces that is still open; null if there is none.
  [[nodiscard]] const YamlNode* unclosed() const {
    return open_.empty() || !open_.back().in_brackets ? nullptr : open_.back().node.get();
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    // At a token that cannot begin a value (a stray comma), yaml-cpp 0.7 reports empty documents forever.
    if (mark.pos == document_start_) throw Refused(place_of(mark), "this is not YAML: nothing can begin so");
    document_start_ = mark.pos;
    anchors_.clear();
    open_.clear();
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = start(YamlNode::Kind::null, mark);
    // yaml-cpp marks a missing value at the next token, which may be lines below: use the key's place
    // instead.
    if (!open_.empty() && open_.back().entry) node->place = open_.back().entry->key_place;
    finish(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) throw Refused(place_of(mark), "this alias stands inside of what it names");
    place_value(known->second, place_of(mark));
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    auto node = start(YamlNode::Kind::scalar, mark);
    node->text = value;
    node->in_quotes = tag == "!";
    finish(std::move(node), anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override {
    enter(start(YamlNode::Kind::list, mark), anchor, style);
  }
  void OnSequenceEnd() override { leave(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override {
    enter(start(YamlNode::Kind::map, mark), anchor, style);
  }
  void OnMapEnd() override { leave(); }

 private:
  /// A list or map whose end has not come yet.
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor;
    bool in_brackets;
    std::optional<MapEntry> entry;  ///< for a map: a key whose value has not come yet
  };

  [[nodiscard]] Place place_of(const YAML::Mark& mark) const {
    return {source_, mark.line + 1, mark.column + 1};
  }

  [[nodiscard]] std::shared_ptr<YamlNode> start(YamlNode::Kind kind, const YAML::Mark& mark) const {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = place_of(mark);
    return node;
  }

  void enter(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor, YAML::EmitterStyle::value style) {
    if (open_.size() >= kDeepest) {
      throw Refused(node->place, fmt::format("lists and maps nest deeper than {} levels", kDeepest));
    }
    open_.push_back({std::move(node), anchor, style == YAML::EmitterStyle::Flow, std::nullopt});
  }

  void leave() {
    Open done = std::move(open_.back());
    open_.pop_back();
    finish(std::move(done.node), done.anchor);
  }

  void finish(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
    const Place place = node->place;
    const NodePtr finished = std::move(node);
    if (anchor != 0) anchors_[anchor] = finished;
    place_value(finished, place);
  }

  /// Adds a complete value at the parser's position: as the document, an item of a list, a key or a key's
  /// value.
  void place_value(const NodePtr& node, const Place& place) {
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& open = open_.back();
    if (open.node->kind == YamlNode::Kind::list) {
      open.node->items.push_back(node);
    } else if (!open.entry) {
      if (node->kind != YamlNode::Kind::scalar) throw Refused(place, "a key must be text");
      open.entry = MapEntry{node->text, place, nullptr};
    } else {
      open.entry->value = node;
      open.node->entries.push_back(std::move(*open.entry));
      open.entry.reset();
    }
    open.node->size += node->size;
    if (open.node->size > kLargest) {
      throw Refused(place, fmt::format("the document unfolds to more than {} values", kLargest));
    }
  }

  SourcePtr source_;
  int document_start_ = -1;
  NodePtr root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, NodePtr> anchors_;
};

/// The place of a tab in the indentation of the place's line or of the lines just above it. YAML refuses tabs
/// there, and people cannot see them.
std::optional<Place> tab_near(const Place& place) {
  for (int line = place.line; line >= 1 && line >= place.line - 1; --line) {
    const std::string text = line_at({place.source, line, 1});
    const std::size_t indentation = std::min(text.find_first_not_of(" \t"), text.size());
    const std::size_t tab = text.find('\t');
    if (tab < indentation) return Place{place.source, line, static_cast<int>(tab) + 1};
  }
  return std::nullopt;
}

void complain_of_syntax(const YAML::ParserException& error, const TreeBuilder& builder,
                        const SourcePtr& source, Complaints& complaints) {
  const YamlNode* const open = builder.unclosed();
  const bool lacks_end = error.msg == YAML::ErrorMsg::END_OF_MAP_FLOW ||
                         error.msg == YAML::ErrorMsg::END_OF_SEQ_FLOW ||
                         error.msg == YAML::ErrorMsg::FLOW_END;
  if (lacks_end && open != nullptr) {
    // The parser notices an unclosed list or map only later: point to where it begins.
    const bool is_map = open->kind == YamlNode::Kind::map;
    complaints.add(open->place, "", is_map ? "this map has no closing '}'" : "this list has no closing ']'");
    return;
  }
  const Place place =
      error.mark.is_null() ? Place{source, 0, 0} : Place{source, error.mark.line + 1, error.mark.column + 1};
  if (const std::optional<Place> tab = tab_near(place)) {
    complaints.add(*tab, "", "a tab indents this line", "YAML takes spaces only");
  } else {
    complaints.add(place, "", fmt::format("this is not YAML: {}", error.msg));
  }
}

}  // namespace

const MapEntry* YamlNode::find(std::string_view key) const {
  for (const MapEntry& entry : entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

std::string kind_of(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null: return "no value";
    case YamlNode::Kind::scalar: return quote(node.text);
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a map";
  }
  return {};
}

std::vector<NodePtr> parse_yaml(const SourcePtr& source, const std::string& text, Complaints& complaints) {
  // yaml-cpp 0.7 accepts a quote that is still open after the last line end, so strip trailing white space.
  std::istringstream stream(text.substr(0, text.find_last_not_of(" \t\r\n") + 1));
  TreeBuilder builder(source);
  std::vector<NodePtr> documents;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
      NodePtr document = builder.take();
      if (document != nullptr && document->kind != YamlNode::Kind::null)
        documents.push_back(std::move(document));
    }
  } catch (const Refused& refused) {
    complaints.add(refused.place, "", refused.what());
  } catch (const YAML::ParserException& error) {
    complain_of_syntax(error, builder, source, complaints);
  }
  return documents;
}

}  // namespace foreshard
