#pragma once

// What field rules leave of documents for one user, and what edits of that user keep of what is stored.
//
// Texts are canonical texts of bodies, perhaps with special members, whose names no path begins with.
// Threads: any. No I/O.

#include "access/field_policy.h"
#include "access/shared_selector.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class FieldAccess {
  public:
    // A rule that was filled in for the user.
    struct Rule {
        std::string id;                               // of its document
        std::shared_ptr<const SharedSelector> filter; // null: it means all documents
        std::vector<selector::Path> hidden;
        std::vector<FieldRule::Mask> masked;
        std::vector<selector::Path> read_only;
    };
    FieldAccess() = default;
    explicit FieldAccess(std::vector<Rule> rules);

    [[nodiscard]] bool empty() const { return rules_.empty(); }
    // Whether some field is not shown as it is, in whichever document.
    [[nodiscard]] bool conceals() const;
    // Whether one of a document with this text may be that.
    [[nodiscard]] bool conceals_in(std::string_view id, std::string_view json) const;
    // Whether what stands at a path, of an index say, may tell of one. `[]` and numbers are steps into lists.
    [[nodiscard]] bool conceals_at(std::span<const std::string> steps) const;

    // What is shown instead of a text; nullopt: the text itself. `deleted`: of a tombstone, which says too
    // little for filters: all rules mean it.
    [[nodiscard]] std::optional<std::string> shown(std::string_view id, std::string_view json,
                                                   bool deleted) const;

    // One document that is written.
    struct Write {
        std::string_view id;
        const std::string *stored = nullptr; // null: nothing, or it is deleted
        std::string_view written;
        bool deleted = false; // what is written is a tombstone: it need not have what is stored
    };
    // The text with all that the user may not change as it is stored; nullopt: it is so already. Errors:
    // forbidden, if nothing is stored and the text has such fields.
    [[nodiscard]] Result<std::optional<std::string>> keep(const Write &write) const;
    // Whether it is so already, of the fields that are not shown as they are, or of those that are only not
    // to be changed.
    enum class Fields : std::uint8_t { concealed, read_only };
    [[nodiscard]] bool is_kept(const Write &write, Fields fields) const;

    // The documents of rules that mean a text, for people.
    [[nodiscard]] std::vector<std::string> rules_of(std::string_view id, std::string_view json) const;

  private:
    struct Field {
        selector::Path path;
        std::string member; // `"step":`, the first step as texts have it
        std::optional<json::Value> mask;
        Fields kind = Fields::concealed;
    };
    struct Bound {
        std::string id;
        std::shared_ptr<const SharedSelector> filter;
        std::vector<Field> fields;
    };
    [[nodiscard]] static bool means(const Bound &rule, std::string_view id, std::string_view json);
    [[nodiscard]] bool mentions(std::string_view json) const;

    std::vector<Bound> rules_;
};

} // namespace divan::access
