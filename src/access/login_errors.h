#pragma once

// Why a login is refused, in CouchDB's words where it has them. For the files of this module only.

#include "base/error.h"

namespace divan::access {

inline Error wrong_password() {
    return {ErrorCode::unauthorized, "Name or password is incorrect."};
}

inline Error conflicted() {
    return {ErrorCode::unauthorized,
            "User document conflicts must be resolved before the document is used for "
            "authentication purposes."};
}

inline Error account_locked() {
    return {ErrorCode::forbidden, "This account is locked: an administrator can unlock it."};
}

inline Error password_expired() {
    return {ErrorCode::forbidden,
            "This password has to be replaced: log in by POST /_session with a `new_password`."};
}

} // namespace divan::access
