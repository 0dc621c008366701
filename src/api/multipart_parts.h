#pragma once

// Parts of multipart requests, whether multipart/related or a browser's form.

#include "api/attachment_sink.h"
#include "api/call.h"
#include "net/multipart.h"

namespace divan::api {

// A parameter of the header Content-Disposition (RFC 6266, and as browsers write it: RFC 7578): "x" for
// `form-data; name="x"`. Nothing if it is not there.
[[nodiscard]] std::optional<std::string> disposition_parameter(std::string_view disposition,
                                                               std::string_view name);

// The bytes of a part, stored; they stay if an edit names them before the sink is gone.
struct StoredPart {
    db::StoredData data;
    std::unique_ptr<AttachmentSink> sink;
};

// Streams the current part into the database. `gzip`: it is compressed already.
Task<Result<StoredPart>> store_part(Call &call, net::MultipartReader &reader, std::string name,
                                    std::string content_type, bool gzip);

} // namespace divan::api
