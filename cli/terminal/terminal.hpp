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

/// Columns of what is printed: on a terminal its own, by COLUMNS where that is set, but from 60 to 160, or
/// 100 where they are not known; in a pipe or a file 100, so that the same input gives the same output.
std::size_t page_width(int stream);

}  // namespace foreshard::cli
