# cmake -DOUTPUT=file.cpp -DSOURCE=folder -P GitHash.cmake: writes the C++ source that defines
# foreshard::cli::git_hash (cli/options/tool_fields.hpp), and leaves it alone where it says so already. The hash is
# empty where the sources are not a git checkout.
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-toplevel
  OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
set(hash "")
if(top)
  file(REAL_PATH ${top} top)
  file(REAL_PATH ${SOURCE} source)
  # Sources that were unpacked into somebody else's checkout have no hash of their own.
  if(top STREQUAL source)
    execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --exclude=* --abbrev=12
      OUTPUT_VARIABLE hash OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
endif()
set(text "#include \"cli/options/tool_fields.hpp\"\n\nnamespace foreshard::cli {\n\nstd::string git_hash() { return \"${hash}\"; }\n\n}  // namespace foreshard::cli\n")
set(before "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
