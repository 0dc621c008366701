// Documents of the policies database come from admins and by replication: whatever they hold, a policy that
// is read permits nothing to nobody, nothing in system databases, and no set keeps a server admin out.

#include "access/name_pattern.h"
#include "access/policy_set.h"
#include "json/parser.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto half = text.size() / 2;
    (void)access::matches_pattern(text.substr(0, half), text.substr(half));
    auto document = json::parse(std::string(text));
    if (!document.ok() || !document->is_object())
        return 0;
    auto policy = access::read_policy(document->object());
    if (!policy.ok())
        return 0;
    access::PolicySet set({true, "reader"});
    set.add(std::move(*policy));
    const access::Principal nobody;
    const access::Principal admin{"root", {"_admin"}, "default"};
    const access::Principal somebody{"bert", {"crew", "admin"}, "default"};
    if (set.allows(nobody, access::Grant::read, "a") ||
        set.allows(somebody, access::Grant::write, "_users") || set.keeps_out(admin, "a") ||
        set.keeps_out(somebody, "_users"))
        std::abort();
    return 0;
}
