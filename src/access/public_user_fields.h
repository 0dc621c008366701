#pragma once

// What others see of a user's document: the members that [chttpd_auth] public_fields names, if it has one of
// them. Source: couch_users_db:after_doc_read.

#include "db/visibility.h"

#include <string>
#include <vector>

namespace divan::access {

// Threads: any.
class PublicUserFields final : public db::Visibility {
  public:
    explicit PublicUserFields(std::vector<std::string> fields);

    [[nodiscard]] bool hides_documents() const override { return true; }
    [[nodiscard]] bool shows(std::string_view id, std::string_view json) const override;
    [[nodiscard]] bool hides_fields() const override { return true; }
    [[nodiscard]] std::optional<std::string> shown_text(std::string_view id, std::string_view json,
                                                        bool deleted) const override;
    [[nodiscard]] const std::string &digest() const override { return digest_; }
    // Single documents only are read through this.
    void append_sealed(std::string &out, std::string_view token) const override { out.append(token); }
    [[nodiscard]] std::optional<std::string> unseal(std::string_view sealed) const override {
        return std::string(sealed);
    }
    [[nodiscard]] bool is_open_view(std::string_view) const override { return false; }
    [[nodiscard]] bool is_fieldless_view(std::string_view) const override { return false; }
    [[nodiscard]] bool hides_field(std::span<const std::string>) const override { return true; }

  private:
    const std::vector<std::string> fields_;
    const std::string digest_;
};

} // namespace divan::access
