/*
 * What a failure of a handshake means to the person, and which alert tells the peer.
 */
#include "handshake/handshake.h"

#include "base/error.h"

#include <string.h>

/* Alerts that servers give when they can't take our offer at all. */
static bool means_no_passwords(int alert)
{
    static const uint8_t alerts[] = {
        KP_ALERT_HANDSHAKE_FAILURE, KP_ALERT_PROTOCOL_VERSION,  KP_ALERT_INSUFFICIENT_SECURITY,
        KP_ALERT_ILLEGAL_PARAMETER, KP_ALERT_MISSING_EXTENSION, KP_ALERT_UNSUPPORTED_EXTENSION,
    };
    return alert >= 0 && memchr(alerts, alert, sizeof(alerts)) != NULL;
}

/* How servers tell a wrong password in TLS 1.2: bad_record_mac, all that were measured;
 * decrypt_error would be as apt, and access_denied. */
static bool means_wrong_password(int alert)
{
    return alert == KP_ALERT_BAD_RECORD_MAC || alert == KP_ALERT_DECRYPT_ERROR ||
           alert == KP_ALERT_ACCESS_DENIED || alert == KP_ALERT_UNKNOWN_PSK_IDENTITY;
}

/* How a client of TLS 1.3 tells that our confirmV is not what it expects: decrypt_error by the
 * draft, illegal_parameter by BoringSSL. */
static bool means_wrong_confirm(int alert)
{
    return alert == KP_ALERT_DECRYPT_ERROR || alert == KP_ALERT_ILLEGAL_PARAMETER ||
           alert == KP_ALERT_BAD_RECORD_MAC;
}

/* And an unknown name, to the ClientHello; GnuTLS, which has no PAKE, says internal_error. */
static bool means_unknown_name(const struct kp_handshake *hs, int alert)
{
    return alert == KP_ALERT_UNKNOWN_PSK_IDENTITY ||
           (alert == KP_ALERT_INTERNAL_ERROR && !(hs->facts & KP_FACT_OFFER13));
}

/* A server waits for a client's Finished, or a client of TLS 1.2 for the server's. */
static int of_proof(const struct kp_handshake *hs, int err, int peer_alert)
{
    bool client = hs->context->role == KP_CLIENT;

    if (err == KP_E_RECORD_MAC)
        return KP_E_PROOF;
    if (err != KP_E_PEER_ALERT)
        return err;
    if (client ? means_wrong_password(peer_alert)
               : hs->outcome->version == KP_TLS13 && means_wrong_confirm(peer_alert))
        return KP_E_PROOF;
    return err;
}

/* The answer to our ClientHello was an alert. */
static int of_offer(const struct kp_handshake *hs, int peer_alert)
{
    if (hs->login == NULL && (hs->facts & KP_FACT_OFFER13) != 0)
        return KP_E_TICKET_REFUSED;
    if ((hs->facts & KP_FACT_OFFER12) != 0 && means_unknown_name(hs, peer_alert))
        return KP_E_PROOF;
    return means_no_passwords(peer_alert) ? KP_E_NO_SRP_SERVER : KP_E_PEER_ALERT;
}

int kp_handshake_failure(const struct kp_handshake *hs, int err, int peer_alert)
{
    if (hs->facts & KP_FACT_PASSWORD_USED)
        return of_proof(hs, err, peer_alert);
    if (hs->context->role == KP_CLIENT && err == KP_E_PEER_ALERT &&
        !(hs->facts & KP_FACT_HELLO_ANSWERED))
        return of_offer(hs, peer_alert);
    return err;
}

int kp_handshake_alert(const struct kp_handshake *hs, int err)
{
    return hs->alert >= 0 ? hs->alert : kp_error_alert(err);
}
