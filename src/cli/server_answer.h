#pragma once

// What commands make of a server's answers.

#include "base/result.h"
#include "net/client.h"

namespace divan::cli {

// An answer that is an error, as people read it: "the server answered 404: not_found: missing". Its code is
// that of replication::code_of_status(). Pure.
[[nodiscard]] Error answered_error(const net::ClientResponse &answer);

} // namespace divan::cli
