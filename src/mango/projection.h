#pragma once

// `fields` of a query: what of a document is answered. (CouchDB mango_fields:extract)
//
// Threads: any; read only.

#include "base/result.h"
#include "selector/path.h"
#include "json/value.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::mango {

// The names in `fields`. Errors: bad_request with CouchDB's words: invalid_fields, invalid_field,
// invalid_field_name.
[[nodiscard]] Result<std::vector<std::string>> read_fields(const json::Value &fields);

class Projection {
  public:
    // The whole document, if there are no fields. Errors: invalid_field_name.
    [[nodiscard]] static Result<Projection> make(std::span<const std::string> fields);

    // Appends the fields of a document, in the order in which they were asked for; those that it lacks are
    // left out. REQUIRES: canonical text.
    void append(std::string &out, std::string_view document) const;
    // The same for values that are known already, in the order of the fields; an empty one is lacking.
    void append_values(std::string &out, std::span<const std::string_view> values) const;

  private:
    Projection(std::vector<selector::Path> paths);

    std::vector<selector::Path> paths_;
    selector::PathReader reader_;
    bool flat_ = true; // no nested field, none twice
};

} // namespace divan::mango
