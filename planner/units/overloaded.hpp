#pragma once

#include <concepts>
#include <type_traits>

namespace foreshard {

/// One visitor for std::visit out of a lambda for every alternative. An alternative without a lambda of its own does
/// not compile: whoever visits operations has no branch for "all others", and so a new kind is never forgotten.
template <class... Functions>
struct overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
overloaded(Functions...) -> overloaded<Functions...>;

/// True of the types that are listed: a lambda for several alternatives names each of them.
template <class T, class... Listed>
concept one_of = (std::same_as<std::remove_cvref_t<T>, Listed> || ...);

}  // namespace foreshard
