// A token from a client goes on at most from the last sequence, and what was given is understood.

#include "db/sequence_token.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    const db::RunHistory history = {{7, 1}, {8, 100}, {9, 5'000}};
    const kv::Sequence last{10'000};
    auto since = db::decode_since(text, last, history);
    if (since.ok() && since->value > last.value)
        std::abort();

    // A token of our own history means its own number.
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < size && i < 2; ++i)
        number = number << 8 | data[i];
    number %= last.value + 1;
    auto own = db::decode_since(db::encode_sequence(kv::Sequence(number), history), last, history);
    if (!own.ok() || own->value != number)
        std::abort();
    return 0;
}
