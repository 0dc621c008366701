#include "crypto/scram.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/scram_syntax.h"

#include <fmt/format.h>
#include <optional>

namespace divan::crypto {

ScramServer::ScramServer(ScramClientFirst client_first, ScramVerifier verifier, std::string_view server_nonce)
    : client_first_(std::move(client_first)), verifier_(std::move(verifier)),
      nonce_(client_first_.nonce + std::string(server_nonce)),
      server_first_(
          fmt::format("r={},s={},i={}", nonce_, base64_encode(verifier_.salt), verifier_.iterations)) {
    DIVAN_CHECK(is_scram_nonce(server_nonce));
}

Result<std::string> ScramServer::finish(std::string_view client_final) {
    if (std::exchange(finished_, true))
        return scram_error(ErrorCode::bad_request, "other-error", "This login is over: begin another one.");
    DIVAN_TRY(auto final, parse_scram_client_final(client_final));
    if (final.channel_binding != base64_encode(client_first_.gs2_header))
        return scram_error(ErrorCode::bad_request, "channel-bindings-dont-match",
                           "The c= of the last message is not the header of the first.");
    if (!constant_time_equal(final.nonce, nonce_))
        return scram_error(ErrorCode::bad_request, "other-error",
                           "The nonce is not the one that the server sent.");
    auto auth_message = fmt::format("{},{},{}", client_first_.bare, server_first_, final.without_proof);
    auto signature = hmac_sha256(verifier_.stored_key.reveal(), auth_message);
    auto client_key = final.proof;
    for (std::size_t i = 0; i < client_key.size(); ++i)
        client_key[i] = static_cast<char>(client_key[i] ^ signature[i]);
    bool proven = verifier_.stored_key.equals(sha256(client_key));
    cleanse(client_key); // of a right proof it is enough to log in
    if (!proven)
        return scram_error(ErrorCode::unauthorized, "invalid-proof", "Name or password is incorrect.");
    return "v=" + base64_encode(hmac_sha256(verifier_.server_key.reveal(), auth_message));
}

std::string scram_error_message(const Error &error) {
    return "e=" + std::string(error.word());
}

} // namespace divan::crypto
