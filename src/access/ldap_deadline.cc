#include "access/ldap_deadline.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace divan::access {
namespace {

// Of one message, which is an entry at most.
constexpr ber_len_t kMessageBytesMax = 4'194'304;
// Below TLS, above the socket.
constexpr int kLevel = LBER_SBIOD_LEVEL_PROVIDER + 5;

LdapDeadline &deadline_of(Sockbuf_IO_Desc *layer) {
    return *static_cast<LdapDeadline *>(layer->sbiod_pvt);
}

} // namespace

int LdapDeadline::attach(LDAP *handle) {
    callback_.lc_add = on_connect;
    callback_.lc_del = [](LDAP * /*handle*/, Sockbuf * /*buffer*/, ldap_conncb * /*callback*/) {};
    callback_.lc_arg = this;
    return ldap_set_option(handle, LDAP_OPT_CONNECT_CB, &callback_);
}

int LdapDeadline::on_connect(LDAP * /*handle*/, Sockbuf *buffer, LDAPURLDesc * /*server*/,
                             sockaddr * /*address*/, ldap_conncb *callback) {
    static Sockbuf_IO layer = {on_setup, nullptr, on_control, on_read, on_write, nullptr};
    ber_len_t size_max = kMessageBytesMax;
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_SET_MAX_INCOMING, &size_max);
    return ber_sockbuf_add_io(buffer, &layer, kLevel, callback->lc_arg);
}

int LdapDeadline::on_setup(Sockbuf_IO_Desc *layer, void *deadline) {
    layer->sbiod_pvt = deadline;
    return 0;
}

int LdapDeadline::on_control(Sockbuf_IO_Desc *layer, int option, void *argument) {
    return LBER_SBIOD_CTRL_NEXT(layer, option, argument);
}

ber_slen_t LdapDeadline::on_read(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
    return deadline_of(layer).wait(layer->sbiod_sb, POLLIN) ? LBER_SBIOD_READ_NEXT(layer, bytes, size) : -1;
}

ber_slen_t LdapDeadline::on_write(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size) {
    return deadline_of(layer).wait(layer->sbiod_sb, POLLOUT) ? LBER_SBIOD_WRITE_NEXT(layer, bytes, size) : -1;
}

// What is there at once is taken even when the time is over, so that a connection can still say goodbye.
bool LdapDeadline::wait(Sockbuf *buffer, short events) const {
    ber_socket_t descriptor = -1;
    ber_sockbuf_ctrl(buffer, LBER_SB_OPT_GET_FD, &descriptor);
    pollfd wanted{descriptor, events, 0};
    for (;;) {
        auto left = std::chrono::ceil<Millis>(until_ - clock_.monotonic()).count();
        int ready = poll(&wanted, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
        if (left <= 0)
            break;
    }
    errno = ETIMEDOUT;
    return false;
}

} // namespace divan::access
