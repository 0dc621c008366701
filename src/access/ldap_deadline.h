#pragma once

// A bound on what one call of libldap may wait for its server. Its own limits of time leave out what TLS
// waits for: a handshake, in versions before 2.6, and records that come byte by byte.

#include "base/clock.h"

#include <lber.h>
#include <ldap.h>

namespace divan::access {

// For one handle, and one thread at a time. Lives longer than the handle.
class LdapDeadline {
  public:
    explicit LdapDeadline(Clock &clock) : clock_(clock) {}
    LdapDeadline(const LdapDeadline &) = delete;
    LdapDeadline &operator=(const LdapDeadline &) = delete;
    ~LdapDeadline() = default;

    // From now on the handle's connections obey. Called before it connects. Returns a code of libldap.
    [[nodiscard]] int attach(LDAP *handle);
    // What is sent and received from now on has to be done within this time; beyond, the connection fails.
    void start(Millis limit) { until_ = clock_.monotonic() + limit; }

  private:
    static int on_connect(LDAP *handle, Sockbuf *buffer, LDAPURLDesc *server, sockaddr *address,
                          ldap_conncb *callback);
    static int on_setup(Sockbuf_IO_Desc *layer, void *deadline);
    static int on_control(Sockbuf_IO_Desc *layer, int option, void *argument);
    static ber_slen_t on_read(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size);
    static ber_slen_t on_write(Sockbuf_IO_Desc *layer, void *bytes, ber_len_t size);
    // False, with errno set: the time is over.
    [[nodiscard]] bool wait(Sockbuf *buffer, short events) const;

    Clock &clock_;
    std::chrono::nanoseconds until_{};
    ldap_conncb callback_{};
};

} // namespace divan::access
