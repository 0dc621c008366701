#include "access/basic_credentials.h"

#include "base/encoding.h"
#include "net/http.h"

namespace divan::access {

Result<std::optional<BasicCredentials>> parse_basic_credentials(std::string_view authorization) {
    constexpr std::string_view kBasic = "Basic ";
    std::optional<BasicCredentials> none;
    if (!net::equal_without_case(authorization.substr(0, kBasic.size()), kBasic))
        return none;
    auto decoded = base64_decode(authorization.substr(kBasic.size()));
    if (!decoded)
        return Error(ErrorCode::bad_request, "Authorization header has invalid base64 value");
    auto colon = decoded->find(':');
    if (colon == std::string::npos || *decoded == "_:_")
        return none;
    BasicCredentials credentials{decoded->substr(0, colon),
                                 crypto::Secret(std::string_view(*decoded).substr(colon + 1))};
    crypto::cleanse(*decoded);
    return std::optional(std::move(credentials));
}

} // namespace divan::access
