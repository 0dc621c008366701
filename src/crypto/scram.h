#pragma once

// SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side: a login in which the password does not travel and
// the server proves that it knows the user. Without channel binding. Pure: the caller brings the verifier of
// the user and the nonce, and carries the messages.
//
//   client-first   parse_scram_client_first()   the caller looks up the user, or takes a
//   fake_scram_verifier() server-first   ScramServer::server_first() client-final   ScramServer::finish()
//   server-final, or an error
//
// Errors of these have one of the words of RFC 5802 (server-error-value) in word(), for
// scram_error_message(), and a sentence in reason(); the code is bad_request for what is malformed,
// unauthorized for a wrong proof.

#include "base/result.h"
#include "crypto/secret.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::crypto {

inline constexpr std::string_view kScramMechanism = "SCRAM-SHA-256";
inline constexpr std::uint32_t kScramIterationsMin = 4096; // RFC 7677; clients refuse less
inline constexpr std::uint32_t kScramIterationsMax = 100'000'000;

// What the server keeps of a password. It is enough to check logins and to play the server, not to log in.
struct ScramVerifier {
    std::string salt; // bytes
    std::uint32_t iterations = 0;
    Secret stored_key; // 32 bytes, as the next
    Secret server_key;
};

// The form to keep in a JSON document; bytes in base64.
struct ScramVerifierText {
    std::string salt;
    std::uint32_t iterations = 0;
    std::string stored_key;
    std::string server_key;
};
[[nodiscard]] ScramVerifierText to_text(const ScramVerifier &verifier);
// Errors: bad_request for what to_text() does not make.
[[nodiscard]] Result<ScramVerifier> scram_verifier_from_text(const ScramVerifierText &text);

// Slow on purpose. Errors: bad_request for a password that SASLprep prohibits or leaves empty, for an empty
// salt and for iterations out of bounds.
[[nodiscard]] Result<ScramVerifier>
scram_verifier_from_password(std::string_view password, std::string_view salt, std::uint32_t iterations);
// From SaltedPassword, without the password. CouchDB's PBKDF2 with SHA-256 computes the same 32 bytes: of a
// document of _users with "password_scheme":"pbkdf2" and "pbkdf2_prf":"sha256" these are `derived_key` (in
// hex there), the bytes of the text `salt`, and `iterations`. The -pbkdf2:sha256- texts of [admins] hold the
// same. It is legitimate for these, with at least kScramIterationsMin, and for nothing else: not for another
// PRF, nor for a key that was cut or lengthened. CouchDB does not apply SASLprep, so who has a password that
// it changes cannot log in with the result; nobody else can, either. SaltedPassword is enough to log in: do
// not keep it beside the verifier if it need not be there. Errors: bad_request for another size than 32, an
// empty salt or iterations out of bounds.
[[nodiscard]] Result<ScramVerifier> scram_verifier_from_salted_password(std::string_view salted_password,
                                                                        std::string_view salt,
                                                                        std::uint32_t iterations);
// For a user who does not exist: always the same for a name, and no password fits. The salt looks like
// CouchDB's, 32 hex digits; to tell nothing, the iterations must be those of existing users.
[[nodiscard]] ScramVerifier fake_scram_verifier(std::string_view server_secret, std::string_view username,
                                                std::uint32_t iterations);

struct ScramClientFirst {
    std::string gs2_header; // "n,,"
    std::string bare;       // client-first-message-bare
    std::string username;   // unescaped, not empty; SASLprep is not applied, as CouchDB's names are not
    std::string nonce;      // the client's
};
// Refuses channel binding (p=), mandatory extensions (m=) and another authorization identity than the user.
// Optional extensions are ignored, as RFC 5802 asks. At most 4,096 bytes.
[[nodiscard]] Result<ScramClientFirst> parse_scram_client_first(std::string_view message);

// One login. A value; one thread at a time.
class ScramServer {
  public:
    // `server_nonce`: at least 18 random bytes, as base64 or another printable text without commas.
    ScramServer(ScramClientFirst client_first, ScramVerifier verifier, std::string_view server_nonce);

    [[nodiscard]] const std::string &username() const { return client_first_.username; }
    [[nodiscard]] const std::string &server_first() const { return server_first_; }
    // The server-final message, "v=...", if the client knows the password. Once: a second call is refused,
    // whatever the first one said.
    [[nodiscard]] Result<std::string> finish(std::string_view client_final);

  private:
    ScramClientFirst client_first_;
    ScramVerifier verifier_;
    std::string nonce_; // both parts
    std::string server_first_;
    bool finished_ = false;
};

// "e=invalid-proof": the server-final message for an error of the above.
[[nodiscard]] std::string scram_error_message(const Error &error);

} // namespace divan::crypto
