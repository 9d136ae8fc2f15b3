# The pages of planner/report/html, built into the program, and the library that draws their charts: Apache ECharts,
# taken from its npm package by version and hash. Without it pages have their tables and say that charts are left out.
#   AUTO  with charts where the package is in FORESHARD_CHARTS_DIR or npm fetches it
#   ON    an error where neither is so
#   OFF   no charts, nothing is fetched
set(FORESHARD_CHARTS AUTO CACHE STRING "Charts in pages, by Apache ECharts: AUTO (where npm fetches it), ON or OFF")
set_property(CACHE FORESHARD_CHARTS PROPERTY STRINGS AUTO ON OFF)
set(FORESHARD_CHARTS_DIR ${PROJECT_SOURCE_DIR}/build/charts CACHE PATH "Where the package of Apache ECharts is, or is put")

set(FORESHARD_ECHARTS echarts-6.1.0)
set(FORESHARD_ECHARTS_SHA256 681aff88cc1038c3fa941a3a53d1b177a52250b05335efc607d6105ae13be481)
set(FORESHARD_ECHARTS_FILES package/dist/echarts.min.js package/LICENSE package/NOTICE package/licenses/LICENSE-d3)

# Puts the package's few files that are needed below FORESHARD_CHARTS_DIR; FORESHARD_CHARTS_LACK says why not.
function(foreshard_fetch_charts)
  set(archive ${FORESHARD_CHARTS_DIR}/${FORESHARD_ECHARTS}.tgz)
  if(NOT EXISTS ${archive})
    find_program(FORESHARD_NPM npm)
    mark_as_advanced(FORESHARD_NPM)
    if(NOT FORESHARD_NPM)
      set(FORESHARD_CHARTS_LACK "npm, or the package in FORESHARD_CHARTS_DIR" PARENT_SCOPE)
      return()
    endif()
    file(MAKE_DIRECTORY ${FORESHARD_CHARTS_DIR})
    string(REPLACE "-" "@" package ${FORESHARD_ECHARTS})
    execute_process(COMMAND ${FORESHARD_NPM} pack ${package} --silent --fetch-retries=0 --fetch-timeout=30000
      WORKING_DIRECTORY ${FORESHARD_CHARTS_DIR} TIMEOUT 90 OUTPUT_QUIET ERROR_QUIET)
    if(NOT EXISTS ${archive})
      set(FORESHARD_CHARTS_LACK "the package ${package}, which npm did not fetch" PARENT_SCOPE)
      return()
    endif()
  endif()
  file(SHA256 ${archive} hash)
  if(NOT hash STREQUAL FORESHARD_ECHARTS_SHA256)
    set(FORESHARD_CHARTS_LACK "the package that was checked: ${archive} has another hash" PARENT_SCOPE)
    return()
  endif()
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${FORESHARD_CHARTS_DIR} PATTERNS ${FORESHARD_ECHARTS_FILES})
  # With the licences above the code, wherever a page goes.
  set(licences "")
  foreach(file IN ITEMS NOTICE licenses/LICENSE-d3)
    file(READ ${FORESHARD_CHARTS_DIR}/package/${file} text)
    string(APPEND licences "${text}\n\n")
  endforeach()
  file(READ ${FORESHARD_CHARTS_DIR}/package/dist/echarts.min.js code)
  file(WRITE ${FORESHARD_CHARTS_DIR}/${FORESHARD_ECHARTS}.js "/*\n${licences}*/\n${code}\n")
endfunction()

set(FORESHARD_CHARTS_FILE "")
if(FORESHARD_CHARTS STREQUAL "AUTO" OR FORESHARD_CHARTS)
  if(NOT EXISTS ${FORESHARD_CHARTS_DIR}/${FORESHARD_ECHARTS}.js)
    foreshard_fetch_charts()
  endif()
  if(EXISTS ${FORESHARD_CHARTS_DIR}/${FORESHARD_ECHARTS}.js)
    set(FORESHARD_CHARTS_FILE ${FORESHARD_CHARTS_DIR}/${FORESHARD_ECHARTS}.js)
  elseif(NOT FORESHARD_CHARTS STREQUAL "AUTO")
    message(FATAL_ERROR "FORESHARD_CHARTS is ON, but this is missing: ${FORESHARD_CHARTS_LACK}")
  else()
    message(STATUS "Pages have no charts: they need ${FORESHARD_CHARTS_LACK}")
  endif()
endif()

# foreshard_embed_pages(TARGET): adds the source that holds the pages' parts to a target.
function(foreshard_embed_pages target)
  set(html ${PROJECT_SOURCE_DIR}/planner/report/html)
  set(scripts "")
  foreach(name IN ITEMS format element chart table plan_view timeline_view explain_view compare_view score_view validation_view
      search_view record_view report)
    list(APPEND scripts ${html}/${name}.js)
  endforeach()
  list(JOIN scripts "," joined)
  set(charts ${FORESHARD_CHARTS_FILE})
  if(EMSCRIPTEN)
    set(charts "")  # the planner's page has them itself
  endif()
  set(parts frame=${html}/report.html style=${html}/style.css script=${joined} charts=${charts})
  set(output ${PROJECT_BINARY_DIR}/generated/page_parts.cpp)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} "-DPARTS=${parts}" -P ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
    DEPENDS ${html}/report.html ${html}/style.css ${scripts} ${FORESHARD_CHARTS_FILE}
      ${PROJECT_SOURCE_DIR}/cmake/EmbedText.cmake
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
  set_source_files_properties(${output} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
