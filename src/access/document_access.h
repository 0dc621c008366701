#pragma once

// What one user may see and change of the documents of one database, by document rules, classifications and
// field rules.

#include "access/document_policy.h"
#include "access/field_access.h"
#include "access/rule_template.h"
#include "access/shared_selector.h"
#include "crypto/block_cipher.h"
#include "db/visibility.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

// Threads: any.
class DocumentAccess final : public db::Visibility {
  public:
    // A rule that was filled in for the user.
    struct Rule {
        std::string id; // of its document
        bool read = false;
        bool write = false;
        std::shared_ptr<const SharedSelector> selector; // null: it names what the user does not have
    };
    // What has to match besides, whatever the rules say.
    struct Bound {
        std::string id;
        std::shared_ptr<const SharedSelector> selector;
    };
    struct Parts {
        bool has_rules = false; // a document needs one then
        std::vector<Rule> rules;
        std::vector<Bound> bounds;
        FieldAccess fields;
        std::set<std::string> open_views;      // "design/view": with hidden documents among their rows
        std::set<std::string> fieldless_views; // tell nothing of fields that are concealed
        std::string description;               // of all that decides: equal ones decide the same
    };
    // `cipher`: of tokens; outlives it.
    DocumentAccess(Parts parts, const crypto::BlockCipher &cipher);

    // ---- db::Visibility
    [[nodiscard]] bool hides_documents() const override { return parts_.has_rules || !parts_.bounds.empty(); }
    [[nodiscard]] bool shows(std::string_view id, std::string_view json) const override {
        return permits(&Rule::read, id, json);
    }
    void append_sealed(std::string &out, std::string_view token) const override;
    [[nodiscard]] std::optional<std::string> unseal(std::string_view sealed) const override;
    [[nodiscard]] const std::string &digest() const override { return digest_; }
    [[nodiscard]] bool is_open_view(std::string_view name) const override {
        return parts_.open_views.contains(std::string(name));
    }
    [[nodiscard]] bool hides_fields() const override { return parts_.fields.conceals(); }
    [[nodiscard]] bool hides_field(std::span<const std::string> steps) const override {
        return parts_.fields.conceals_at(steps);
    }
    [[nodiscard]] std::optional<std::string> shown_text(std::string_view id, std::string_view json,
                                                        bool deleted) const override {
        return parts_.fields.shown(id, json, deleted);
    }
    [[nodiscard]] bool is_fieldless_view(std::string_view name) const override {
        return parts_.fieldless_views.contains(std::string(name));
    }

    // Whether a revision with this body may be written, or replaced.
    [[nodiscard]] bool may_write(std::string_view id, std::string_view json) const {
        return permits(&Rule::write, id, json);
    }

    [[nodiscard]] const FieldAccess &fields() const { return parts_.fields; }

    // How it was decided, for people.
    struct Decision {
        bool granted = false;
        std::string rule;                // the document that decided; empty: that there was none
        std::vector<std::string> judged; // documents of all that were looked at
    };
    [[nodiscard]] Decision decide(std::string_view id, std::string_view json, bool write) const;

  private:
    [[nodiscard]] bool permits(bool Rule::*operation, std::string_view id, std::string_view json) const;

    const Parts parts_;
    const crypto::BlockCipher &cipher_;
    const std::string digest_bytes_;
    const std::string digest_; // in hex
};

// All policies for documents.
struct DocumentPolicies {
    std::vector<DocumentRule> rules;
    std::vector<Classification> classifications;
    std::vector<FieldRule> field_rules;

    [[nodiscard]] bool empty() const;
    // Whether one of them binds the principal in a database.
    [[nodiscard]] bool bind(const Principal &principal, std::string_view database) const;
};

// Joins the policies that bind a principal in a database; null: none does. Errors: those of
// selector::compile().
[[nodiscard]] Result<std::shared_ptr<const DocumentAccess>>
make_document_access(const DocumentPolicies &policies, const Principal &principal, const RuleUser &user,
                     std::string_view database, const selector::Limits &limits,
                     const crypto::BlockCipher &cipher);

// Shows documents that have the principal's name as `owner`, and no others.
[[nodiscard]] std::shared_ptr<const DocumentAccess> own_documents(const Principal &principal,
                                                                  const crypto::BlockCipher &cipher);

} // namespace divan::access
