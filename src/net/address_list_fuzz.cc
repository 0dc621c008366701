// Lists of addresses from outside: what is taken reads back as the same, and holds what a plain comparison of
// bits says.

#include "net/address_list.h"

#include <cstdlib>

namespace {

using divan::net::AddressList;
using divan::net::IpAddress;

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string text(reinterpret_cast<const char *>(data), size);
    auto list = AddressList::parse(text);
    if (!list.ok())
        return 0;
    auto again = AddressList::parse(list->text());
    if (!again.ok() || again->text() != list->text() || again->empty() != list->empty())
        std::abort();
    // The first address of each block is inside, in both forms.
    auto shown = list->text();
    std::string_view rest(shown);
    while (!rest.empty()) {
        auto address = IpAddress::parse(rest.substr(0, rest.find('/')));
        if (!address || !list->contains(*address))
            std::abort();
        if (address->v4 && !list->contains(*IpAddress::parse("::ffff:" + address->text())))
            std::abort();
        auto comma = rest.find(", ");
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 2);
    }
    return 0;
}
