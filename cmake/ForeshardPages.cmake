# Manual pages and shell completions of the tools, made by foreshard-reference at build time.

# add_tool_pages(TOOL): makes and installs them for one tool, in that tool's install component.
function(add_tool_pages tool)
  set(pages ${PROJECT_BINARY_DIR}/pages)
  set(files)
  foreach(kind IN ITEMS man bash zsh fish)
    set(file ${pages}/${tool}.${kind})
    add_custom_command(OUTPUT ${file}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${pages}
      COMMAND foreshard-reference ${kind}/${tool} ${file}
      DEPENDS foreshard-reference VERBATIM)
    list(APPEND files ${file})
  endforeach()
  # As Debian's policy has it; -n keeps the time out, so that the same build gives the same bytes.
  find_program(FORESHARD_GZIP gzip)
  if(FORESHARD_GZIP)
    set(manual ${pages}/${tool}.1.gz)
    add_custom_command(OUTPUT ${manual}
      COMMAND sh -c "\"$1\" -9nc \"$2\" >\"$3\"" gzip ${FORESHARD_GZIP} ${pages}/${tool}.man ${manual}
      DEPENDS ${pages}/${tool}.man VERBATIM)
  else()
    set(manual ${pages}/${tool}.1)
    add_custom_command(OUTPUT ${manual}
      COMMAND ${CMAKE_COMMAND} -E copy ${pages}/${tool}.man ${manual}
      DEPENDS ${pages}/${tool}.man VERBATIM)
  endif()
  add_custom_target(${tool}-pages ALL DEPENDS ${files} ${manual})

  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT ${tool})
  install(FILES ${pages}/${tool}.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME ${tool} COMPONENT ${tool})
  install(FILES ${pages}/${tool}.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    RENAME ${tool}.fish COMPONENT ${tool})
  # Debian's zsh keeps what packages bring apart from what the site has.
  install(FILES ${pages}/${tool}.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
    RENAME _${tool} COMPONENT site)
  install(FILES ${pages}/${tool}.zsh DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
    RENAME _${tool} COMPONENT ${tool} EXCLUDE_FROM_ALL)
endfunction()

add_tool_pages(foreshard)
if(FORESHARD_BUILD_RUNTIME)
  add_tool_pages(foreshard-run)
endif()
