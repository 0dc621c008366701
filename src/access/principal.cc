#include "access/principal.h"

#include <algorithm>

namespace divan::access {

bool Principal::has_role(std::string_view role) const {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
}

} // namespace divan::access
