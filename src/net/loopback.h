#pragma once

#include <string_view>

namespace divan::net {

// Whether a host is this machine itself by its name or its address (RFC 6761, RFC 1122): what is sent there
// can be read by nobody on the way. A name is not looked up.
[[nodiscard]] bool is_loopback(std::string_view host);

} // namespace divan::net
