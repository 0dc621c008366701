#pragma once

// Internal to xml: documents as libxml2 holds them.

#include "xml/document.h"

#include <libxml/tree.h>
#include <memory>

namespace divan::xml {

struct FreeDocument {
    void operator()(xmlDoc *document) const { xmlFreeDoc(document); }
};
using Tree = std::unique_ptr<xmlDoc, FreeDocument>;

// libxml2 and xmlsec, once and before anything else of them. False: they cannot be used.
[[nodiscard]] bool start_libraries();

// As parse(), with its errors.
[[nodiscard]] Result<Tree> parse_tree(std::string_view text, const Limits &limits);
[[nodiscard]] Element element_of(const xmlNode &node);

} // namespace divan::xml
