#pragma once

#include <concepts>
#include <type_traits>

namespace foreshard {

/// A visitor for std::visit, made of one lambda per alternative. A missing alternative does not compile. Code
/// that visits operations therefore has no branch for "all others", and a new kind cannot be forgotten.
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

/// True if T is one of the listed types. A lambda for several alternatives lists them with it.
template <class T, class... Listed>
concept one_of = (std::same_as<std::remove_cvref_t<T>, Listed> || ...);

}  // namespace foreshard
