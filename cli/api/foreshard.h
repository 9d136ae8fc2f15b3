/* foreshard as a function: a request in JSON, an answer in JSON. The interface is C, so that Python and
 * any other language can call it. The answers are those of the command line, digit for digit. */
#ifndef FORESHARD_H
#define FORESHARD_H

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Runs one command.
 *
 * `request` is a JSON object in UTF-8. "command" is plan, compare, simulate, score, or another command of the tool
 * that gives JSON. The other keys are the command's arguments in lower case and its options without dashes, with _ or
 * - between words:
 *   {"command": "plan", "job": "llama3-70b-64h100", "tp": 4, "set": {"training.recompute": "full"}}
 *   {"command": "compare", "job": {"model": "llama3-70b", …}, "tp": [1, 2, 4, 8]}
 * "job" is the name of a bundled job, the path of a file, the text of a job file, or the job itself as an object. Lists
 * are those that the command line separates by commas; true stands for an option without a value; null for none.
 *
 * The answer is a JSON object:
 *   {"code": 0, "result": …}    the command's JSON; code 1 where the answer is no (a job does not fit)
 *   {"code": 2, "message": "…", "problems": […]}   the request is wrong; each problem has file, line, column (from 1; 0:
 *       none), path, message, allowed, and text, which is all of them as the command line prints it
 *   {"code": 3, "message": "…"}   the environment failed
 *
 * Never null. The caller passes the answer to foreshard_free. Threads may call it at the same time.
 */
const char* foreshard_call(const char* request);

/**
 * Is told what a command does, in JSON, on any thread but never twice at once:
 *   {"progress": {"what": "estimating plans, best 60.3 s", "done": 640, "of": 1120}}
 *   {"so_far": …}    of search: its result as if it ended now
 * The text lives until the listener returns. It returns 0 to go on, else to stop: search and buy then answer soon, with
 * the best so far; other commands go on. It must not throw or jump.
 */
typedef int (*foreshard_listener)(const char* event, void* context);

/** As foreshard_call; `listener` may be null. */
const char* foreshard_call_heard(const char* request, foreshard_listener listener, void* context);

void foreshard_free(const char* answer);

/** The version, such as "0.1.0". Not to be freed. */
const char* foreshard_version(void);

#ifdef __cplusplus
}
#endif

#endif
