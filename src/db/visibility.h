#pragma once

// Which documents a handle of a database shows, and what of them: made by `access` of the rules for who asks,
// and asked by this module wherever such a handle reads (Database::shown_by()). A revision is shown if its
// own body is; a deleted one if the revision before it was, so that who had the document learns that it is
// gone. Design documents are always shown, as the server itself works by them.

#include "db/database.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace divan::db {

// Threads: any.
class Visibility {
  public:
    virtual ~Visibility() = default;

    // Whether documents may be hidden at all: if not, shows() is not asked, and counts are those of all.
    [[nodiscard]] virtual bool hides_documents() const = 0;
    // Whether a revision with this text is shown. `json`: canonical text of an object with the members of the
    // body, and perhaps special ones.
    [[nodiscard]] virtual bool shows(std::string_view id, std::string_view json) const = 0;
    // Tokens of sequences for these readers, and back: a number would count writes that are hidden, and what
    // was given under other rules must not be gone on with. nullopt: it was not made under these rules.
    virtual void append_sealed(std::string &out, std::string_view token) const = 0;
    [[nodiscard]] virtual std::optional<std::string> unseal(std::string_view sealed) const = 0;
    // Equal ones show the same of the same documents.
    [[nodiscard]] virtual const std::string &digest() const = 0;
    // Whether rows of a view may be answered as they are, hidden documents among them: somebody has judged
    // that they tell nothing. "design/view".
    [[nodiscard]] virtual bool is_open_view(std::string_view name) const = 0;

    // Whether fields of documents may be hidden, or shown as something else.
    [[nodiscard]] virtual bool hides_fields() const = 0;
    // Whether that may be so of what stands at a path, as an index has it.
    [[nodiscard]] virtual bool hides_field(std::span<const std::string> steps) const = 0;
    // What is shown instead of a text as shows() has it; nullopt: the text itself.
    [[nodiscard]] virtual std::optional<std::string> shown_text(std::string_view id, std::string_view json,
                                                                bool deleted) const = 0;
    // Whether somebody has judged that a view tells nothing of such fields. "design/view".
    [[nodiscard]] virtual bool is_fieldless_view(std::string_view name) const = 0;
};

// The handle that shows everything: for indexes and other work of the server itself, whose results are the
// same for all readers. What it reads is never answered with.
[[nodiscard]] std::shared_ptr<Database> whole(const std::shared_ptr<Database> &database);

} // namespace divan::db
