#include "access/ldap_escape.h"

#include "base/encoding.h"

namespace divan::access {
namespace {

constexpr std::string_view kName = "{name}";
constexpr std::string_view kDn = "{dn}";

void append_hex(std::string &out, char c) {
    out += '\\';
    out += hex_encode(std::string_view(&c, 1));
}

} // namespace

std::string escape_filter_value(std::string_view value) {
    constexpr std::string_view kSpecial("*()\\\0", 5);
    std::string out;
    for (char c : value)
        if (kSpecial.find(c) != std::string_view::npos)
            append_hex(out, c);
        else
            out += c;
    return out;
}

std::string escape_dn_value(std::string_view value) {
    constexpr std::string_view kSpecial("\"+,;<>=\\");
    std::string out;
    for (std::size_t i = 0; i < value.size(); ++i) {
        char c = value[i];
        // OpenLDAP takes tabs and line ends at the edges for spaces, too.
        bool control = static_cast<unsigned char>(c) < 0x20;
        bool at_edge = c == ' ' && (i == 0 || i + 1 == value.size());
        if (kSpecial.find(c) != std::string_view::npos || control || at_edge || (c == '#' && i == 0))
            append_hex(out, c);
        else
            out += c;
    }
    return out;
}

std::string expand_filter(std::string_view pattern, std::string_view name, std::string_view dn) {
    std::string out;
    while (!pattern.empty()) {
        if (pattern.starts_with(kName)) {
            out += escape_filter_value(name);
            pattern.remove_prefix(kName.size());
        } else if (pattern.starts_with(kDn)) {
            out += escape_filter_value(dn);
            pattern.remove_prefix(kDn.size());
        } else {
            out += pattern.front();
            pattern.remove_prefix(1);
        }
    }
    return out;
}

std::string expand_dn(std::string_view pattern, std::string_view name) {
    std::string out;
    while (!pattern.empty()) {
        bool here = pattern.starts_with(kName);
        out += here ? escape_dn_value(name) : std::string(1, pattern.front());
        pattern.remove_prefix(here ? kName.size() : 1);
    }
    return out;
}

} // namespace divan::access
