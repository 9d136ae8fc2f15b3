#include "cli/terminal/listener.hpp"

#include <utility>

namespace foreshard::cli {
namespace {

thread_local Listener* listening = nullptr;

}  // namespace

ListenerScope::ListenerScope(Listener& listener) : before_(std::exchange(listening, &listener)) {}

ListenerScope::~ListenerScope() { listening = before_; }

Listener* current_listener() { return listening; }

}  // namespace foreshard::cli
