// Headers of strangers: parameters that are read are the ones that were written.

#include "access/scram_http.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto credentials = access::parse_scram_credentials("SCRAM-SHA-256 " + std::string(text));
    if (!credentials)
        std::abort();
    if (credentials->ok() && (*credentials)->message.size() > size)
        std::abort();
    if (!text.empty() && text.size() < 1000) {
        auto again = access::parse_scram_credentials(access::scram_challenge("sid", text));
        if (!again || !again->ok() || (*again)->message != text || (*again)->session_id != "sid")
            std::abort();
    }
    return 0;
}
