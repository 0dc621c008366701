// Messages of strangers, the first line the client-first and the second the client-final: names come out as
// they were put in, and nobody gets in without a password.

#include "crypto/scram.h"

#include <cstdlib>

namespace {

std::string escaped(std::string_view name) {
    std::string out;
    for (char c : name)
        out += c == ',' ? "=2C" : c == '=' ? "=3D" : std::string(1, c);
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan::crypto;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto line = text.find('\n');
    auto first = parse_scram_client_first(text.substr(0, line));
    if (!first.ok()) {
        if (scram_error_message(first.error()).size() < 3)
            std::abort();
        return 0;
    }
    auto bare = "n=" + escaped(first->username) + ",r=" + first->nonce;
    if (!first->bare.starts_with(bare) || first->gs2_header + first->bare != text.substr(0, line))
        std::abort();
    auto verifier = fake_scram_verifier("a secret", first->username, kScramIterationsMin);
    ScramServer server(*std::move(first), std::move(verifier), "nonce");
    // So that the proof is reached, a final message may say SERVER for the nonce.
    std::string final(line == std::string_view::npos ? "" : text.substr(line + 1));
    if (auto at = final.find("SERVER"); at != std::string::npos)
        final.replace(at, 6, server.server_first().substr(2, server.server_first().find(',') - 2));
    if (server.finish(final).ok())
        std::abort();
    return 0;
}
