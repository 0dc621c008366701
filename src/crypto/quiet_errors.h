#pragma once

// For modules that call OpenSSL by other libraries.

namespace divan::crypto {

// Forgets the errors that OpenSSL queues for the thread while this lives: whoever uses OpenSSL next on the
// thread, TLS above all, would take them for its own.
class QuietErrors {
  public:
    QuietErrors();
    ~QuietErrors();
    QuietErrors(const QuietErrors &) = delete;
    QuietErrors &operator=(const QuietErrors &) = delete;
};

} // namespace divan::crypto
