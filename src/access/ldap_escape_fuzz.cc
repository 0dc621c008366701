// Names of strangers: in a distinguished name and in a filter they are one value, which is read back as it
// was.

#include "access/ldap_escape.h"
#include "base/encoding.h"

#include <cstdlib>
#include <ldap.h>

namespace {

std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == '\\') {
            auto byte = divan::hex_decode(text.substr(i + 1, 2));
            if (!byte || byte->size() != 1)
                std::abort();
            out += *byte;
            i += 2;
        } else {
            out += text[i];
        }
    return out;
}

void check_dn(const std::string &name) {
    auto text = divan::access::expand_dn("uid={name},ou=people,dc=example", name);
    LDAPDN dn = nullptr;
    if (ldap_str2dn(text.c_str(), &dn, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        std::abort();
    if (dn[0] == nullptr || dn[1] == nullptr || dn[2] == nullptr || dn[3] != nullptr || dn[0][1] != nullptr)
        std::abort();
    const auto &value = dn[0][0]->la_value;
    if (std::string_view(value.bv_val, value.bv_len) != name)
        std::abort();
    ldap_dnfree(dn);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string name(reinterpret_cast<const char *>(data), size);
    auto value = access::escape_filter_value(name);
    if (value.find_first_of("*()") != std::string::npos || value.find('\0') != std::string::npos ||
        unescape(value) != name)
        std::abort();
    if (access::expand_filter("(uid={name})", name, "") != "(uid=" + value + ")")
        std::abort();
    // Templates may be anything that settings hold.
    (void)access::expand_filter(name, "{dn}", "{name}");
    (void)access::expand_dn(name, "{name}");
    if (!name.empty() && is_utf8(name))
        check_dn(name);
    return 0;
}
