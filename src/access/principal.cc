#include "access/principal.h"

#include <algorithm>

namespace divan::access {

bool Principal::is_server_admin() const {
    return std::find(roles.begin(), roles.end(), "_admin") != roles.end();
}

} // namespace divan::access
