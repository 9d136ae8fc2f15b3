#pragma once

#include <csignal>
#include <pthread.h>

namespace foreshard {

/// Blocks all signals of this thread during its lifetime. A thread started meanwhile inherits the blocked
/// signals, so that signals of the run reach the main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace foreshard
