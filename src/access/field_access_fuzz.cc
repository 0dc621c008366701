// {"rule": members of a field rule, "stored": a document, "edited": another}: whatever a rule says, what it
// conceals stays as it is stored, and saving what was read changes nothing that is shown.

#include "access/policy_set.h"
#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

namespace {

using namespace divan;
using access::FieldAccess;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::string shown(const FieldAccess &fields, const std::string &text) {
    return fields.shown("x", text, false).value_or(text);
}

// nullopt: refused.
std::optional<std::string> kept(const FieldAccess &fields, const std::string *stored,
                                const std::string &edited, bool deleted) {
    auto text = fields.keep({"x", stored, edited, deleted});
    if (!text.ok())
        return std::nullopt;
    auto result = text->value_or(edited);
    for (auto kind : {FieldAccess::Fields::concealed, FieldAccess::Fields::read_only})
        require(fields.is_kept({"x", stored, result, deleted}, kind));
    return result;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    auto input = json::parse(std::string(reinterpret_cast<const char *>(data), size));
    if (!input.ok() || !input->is_object())
        return 0;
    const auto *rule = input->object().find("rule");
    const auto *stored_value = input->object().find("stored");
    const auto *edited_value = input->object().find("edited");
    if (rule == nullptr || stored_value == nullptr || edited_value == nullptr || !rule->is_object() ||
        !stored_value->is_object() || !edited_value->is_object())
        return 0;
    auto policy = access::read_policy(rule->object(), "f");
    if (!policy.ok() || !std::holds_alternative<access::FieldRule>(*policy))
        return 0;
    // What a filter looks at may be concealed itself: then a text that was read may be meant otherwise.
    bool filtered = std::get<access::FieldRule>(*policy).filter.has_value();
    access::PolicySet set({});
    set.add(std::move(*policy));
    const crypto::BlockCipher cipher{crypto::Secret(std::string(32, 'k'))};
    auto access = set.document_access({"anna", {"red"}, "default"}, {}, "db", {}, cipher);
    if (!access.ok() || *access == nullptr)
        return 0;
    const auto &fields = (*access)->fields();
    auto stored = json::to_text(*stored_value);
    auto edited = json::to_text(*edited_value);
    auto after = kept(fields, &stored, edited, false);
    require(after.has_value());
    (void)kept(fields, &stored, edited, true);
    (void)kept(fields, nullptr, edited, false);
    if (filtered)
        return 0;
    require(kept(fields, &stored, *after, false) == after);
    auto read = shown(fields, stored);
    auto same = kept(fields, &stored, read, false);
    require(same.has_value() && shown(fields, *same) == read);
    return 0;
}
