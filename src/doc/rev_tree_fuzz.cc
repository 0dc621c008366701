// Stored trees may be damaged: decoding answers, never crashes, and what decodes encodes to itself.

#include "doc/rev_tree.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    auto tree = divan::doc::RevTree::decode(std::string_view(reinterpret_cast<const char *>(data), size));
    if (!tree.ok())
        return 0;
    auto bytes = tree->encode();
    auto again = divan::doc::RevTree::decode(bytes);
    if (!again.ok() || again->encode() != bytes)
        std::abort();
    for (const auto &leaf : tree->leaves())
        if (tree->path(leaf.rev)->hashes.empty() || !tree->is_leaf(leaf.rev))
            std::abort();
    tree->stem(2);
    return 0;
}
