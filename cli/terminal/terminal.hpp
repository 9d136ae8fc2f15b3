#pragma once

#include <cstddef>

namespace foreshard::cli {

/// Whether standard output (1) or standard error (2) leads to a terminal. A rank under mpirun writes into a
/// pipe or pseudo-terminal that mpirun created, so for a rank the streams of its mpirun are examined.
bool leads_to_terminal(int stream);

/// Whether the terminal can show more than plain lines of text, according to TERM.
bool terminal_is_capable();

/// Width in columns of the terminal to which a stream leads; 80 if unknown.
std::size_t terminal_width(int stream);

/// Width in columns of printed pages. On a terminal: COLUMNS if set, else the terminal's width, limited to 60
/// to 160; 100 if unknown. In a pipe or file: 100, so that the same input gives the same output.
std::size_t page_width(int stream);

}  // namespace foreshard::cli
