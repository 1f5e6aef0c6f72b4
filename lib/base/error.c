/*
 * Errors: their texts and their alerts, one table.
 */
#include "base/error.h"

struct row {
    int error;
    int alert; /* -1: none */
    const char *text;
};

static const struct row rows[] = {
    {KP_OK, -1, "no error"},
    {KP_E_MEMORY, 80, "out of memory"},
    {KP_E_ARGUMENT, 80, "the library was called with a wrong argument or at a wrong time"},
    {KP_E_CRYPTO, 80, "the crypto library failed"},
    {KP_E_INTERNAL, 80, "internal error"},
    {KP_E_DECODE, 50, "the peer sent a message that can't be parsed"},
    {KP_E_UNEXPECTED, 10, "the peer sent a message out of order"},
    {KP_E_ILLEGAL, 47, "the peer sent a value that is not allowed"},
    {KP_E_TOO_LONG, 47, "the peer sent a handshake message that is too long"},
    {KP_E_OVERFLOW, 22, "the peer sent a record that is too long"},
    {KP_E_RECORD_MAC, 20, "a record was damaged or forged on the way"},
    {KP_E_FINISHED, 51, "the handshake was changed on the way: Finished doesn't match"},
    {KP_E_EXTENSION, 110, "the server answered an extension that was not offered"},
    {KP_E_FLOOD, 10, "the peer sent too many empty records or warnings"},
    {KP_E_SHARE, 47, "the peer's SRP value is 0 or not less than N"},
    {KP_E_MISSING, 109, "the peer left out an extension that has to be there"},
    {KP_E_BINDER, 51, "a ticket was shown by somebody who doesn't have its secret"},
    {KP_E_VERSION, 70, "the peer speaks neither TLS 1.2 nor 1.3"},
    {KP_E_FALLBACK, 86, "the client fell back to an older version than it has to"},
    {KP_E_NO_PASSWORD_SUITE, 40,
     "the client offered no password suite (an ordinary browser, or a client without TLS-SRP)"},
    {KP_E_NO_USER, 115, "the client offered SRP suites but no user name"},
    {KP_E_NO_ETM, 40, "the peer has no encrypt-then-MAC (RFC 7366), which is required"},
    {KP_E_NO_EMS, 40, "the peer has no extended master secret (RFC 7627), which is required"},
    {KP_E_NO_ALPN, 120, "the client offered no application protocol that is spoken here"},
    {KP_E_COMPRESSION, 47, "the peer insists on compression"},
    {KP_E_RENEGOTIATION, 40, "the peer has no secure renegotiation (RFC 5746) or asks for one"},
    {KP_E_GROUP, 71, "the server's SRP group is not one of RFC 5054's of 2048 bits or more"},
    {KP_E_SUITE, 47, "the server chose a cipher suite that was not offered"},
    {KP_E_NO_SCHEME, 47, "the client offered a PAKE, but none that is spoken here (SPAKE2+)"},
    {KP_E_NO_GROUP, 40, "the client has no key exchange group that is spoken here"},
    {KP_E_CERTIFICATE, 40, "the client wants a certificate beside the password: there is none"},
    {KP_E_NO_SUITE, 40, "the client offered no TLS 1.3 cipher suite that is spoken here"},
    {KP_E_ONLY_TLS12, 70, "the peer chose TLS 1.2, which was not offered"},
    {KP_E_PROOF, 20,
     "wrong name or password, or this is not your device: someone may be in between"},
    {KP_E_PEER_ALERT, -1, "the peer ended the connection with an alert"},
    {KP_E_TRUNCATED, -1, "the connection was cut: it ended without close_notify"},
    {KP_E_TICKET_REFUSED, 90, "the server did not take the ticket"},
    {KP_E_NOT_TLS, -1, "the peer doesn't speak TLS"},
    {KP_E_HTTP, -1, "plain HTTP where TLS is spoken"},
    {KP_E_SSLV2, 70, "an SSLv2 hello, from a client that is too old"},
    {KP_E_NO_SRP_SERVER, -1, "the server takes no passwords (it has no TLS-SRP)"},
    {KP_E_SYNTAX, -1, "the credentials can't be parsed"},
    {KP_E_EXISTS, -1, "it exists already"},
    {KP_E_NOT_FOUND, -1, "not found"},
    {KP_E_NAME, -1, "the name is empty, too long, or has a character that is not allowed"},
    {KP_E_DIFFERS, -1, "another group or salt length than the file's"},
};

static const struct {
    int alert;
    const char *name;
} alert_names[] = {
    {KP_ALERT_CLOSE_NOTIFY, "close_notify"},
    {KP_ALERT_UNEXPECTED_MESSAGE, "unexpected_message"},
    {KP_ALERT_BAD_RECORD_MAC, "bad_record_mac"},
    {KP_ALERT_DECRYPTION_FAILED, "decryption_failed"},
    {KP_ALERT_RECORD_OVERFLOW, "record_overflow"},
    {KP_ALERT_DECOMPRESSION_FAILURE, "decompression_failure"},
    {KP_ALERT_HANDSHAKE_FAILURE, "handshake_failure"},
    {KP_ALERT_BAD_CERTIFICATE, "bad_certificate"},
    {KP_ALERT_UNSUPPORTED_CERTIFICATE, "unsupported_certificate"},
    {KP_ALERT_CERTIFICATE_REVOKED, "certificate_revoked"},
    {KP_ALERT_CERTIFICATE_EXPIRED, "certificate_expired"},
    {KP_ALERT_CERTIFICATE_UNKNOWN, "certificate_unknown"},
    {KP_ALERT_ILLEGAL_PARAMETER, "illegal_parameter"},
    {KP_ALERT_UNKNOWN_CA, "unknown_ca"},
    {KP_ALERT_ACCESS_DENIED, "access_denied"},
    {KP_ALERT_DECODE_ERROR, "decode_error"},
    {KP_ALERT_DECRYPT_ERROR, "decrypt_error"},
    {KP_ALERT_PROTOCOL_VERSION, "protocol_version"},
    {KP_ALERT_INSUFFICIENT_SECURITY, "insufficient_security"},
    {KP_ALERT_INTERNAL_ERROR, "internal_error"},
    {KP_ALERT_INAPPROPRIATE_FALLBACK, "inappropriate_fallback"},
    {KP_ALERT_USER_CANCELED, "user_canceled"},
    {KP_ALERT_NO_RENEGOTIATION, "no_renegotiation"},
    {KP_ALERT_MISSING_EXTENSION, "missing_extension"},
    {KP_ALERT_UNSUPPORTED_EXTENSION, "unsupported_extension"},
    {KP_ALERT_UNRECOGNIZED_NAME, "unrecognized_name"},
    {KP_ALERT_UNKNOWN_PSK_IDENTITY, "unknown_psk_identity"},
    {KP_ALERT_CERTIFICATE_REQUIRED, "certificate_required"},
    {KP_ALERT_NO_APPLICATION_PROTOCOL, "no_application_protocol"},
};

static const struct row *row_of(int error)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].error == error)
            return &rows[i];
    }
    return NULL;
}

const char *kp_error_text(int error)
{
    const struct row *row = row_of(error);

    return row != NULL ? row->text : "unknown error";
}

int kp_error_alert(int error)
{
    const struct row *row = row_of(error);

    return row != NULL ? row->alert : KP_ALERT_INTERNAL_ERROR;
}

const char *kp_alert_name(int alert)
{
    for (size_t i = 0; i < sizeof(alert_names) / sizeof(alert_names[0]); i++) {
        if (alert_names[i].alert == alert)
            return alert_names[i].name;
    }
    return "unknown";
}
