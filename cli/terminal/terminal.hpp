#pragma once

#include <cstddef>

namespace foreshard::cli {

/// Whether people watch what goes to standard output (1) or standard error (2). A rank under mpirun writes
/// into a pipe or a terminal of mpirun's own, so what counts is where the mpirun that started it writes.
bool leads_to_terminal(int stream);

/// Whether the terminal, by TERM, can do more than lines of text.
bool terminal_is_capable();

/// Columns of the terminal behind a stream; 80 where they are not known.
std::size_t terminal_width(int stream);

}  // namespace foreshard::cli
