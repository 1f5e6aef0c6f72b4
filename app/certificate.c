/* The certificate in front of the proxy: see certificate.h. */
#include "certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SERIAL_LEN 16
#define EARLIER (-3600L)   /* clocks are set back */
#define LATER (24 * 3600L) /* the pin, not the date, says whether it is the one */

/* Bytes, not a time or a counter: nobody can make another one by that number. */
static gboolean set_serial(X509 *x509)
{
    guint8 bytes[SERIAL_LEN];
    BIGNUM *number;
    gboolean done;
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return FALSE;
    bytes[0] = (guint8)((bytes[0] & 0x7f) | 0x40); /* positive, and of full length */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return done;
}

static gboolean set_names(X509 *x509)
{
    X509_NAME *name = X509_get_subject_name(x509);
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                      (const unsigned char *)"Keyplate, in this app", -1, -1,
                                      0) == 1 &&
           X509_set_issuer_name(x509, name) == 1;
}

static gboolean extend(X509 *x509, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    gboolean done = extension != NULL && X509_add_ext(x509, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

/* Not by a line of configuration: a host is no language. */
static gboolean set_host(X509 *x509, const char *host)
{
    g_autofree char *bare = NULL;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *address;
    gboolean done = FALSE;
    bare = host[0] == '[' ? g_strndup(host + 1, strcspn(host + 1, "]")) : g_strdup(host);
    address = a2i_IPADDRESS(bare);
    if (names != NULL && name != NULL && address != NULL) {
        GENERAL_NAME_set0_value(name, GEN_IPADD, address);
        address = NULL;
        done = TRUE;
    } else if (names != NULL && name != NULL) {
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();
        done = text != NULL && ASN1_STRING_set(text, bare, -1) == 1;
        GENERAL_NAME_set0_value(name, GEN_DNS, text);
    }
    if (done && sk_GENERAL_NAME_push(names, name) > 0)
        name = NULL;
    done = done && name == NULL &&
           X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
    ASN1_OCTET_STRING_free(address);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return done;
}

static gboolean fill(X509 *x509, EVP_PKEY *key, const char *host)
{
    return X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509) && set_names(x509) &&
           X509_gmtime_adj(X509_getm_notBefore(x509), EARLIER) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(x509), LATER) != NULL &&
           X509_set_pubkey(x509, key) == 1 && set_host(x509, host) &&
           extend(x509, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(x509, NID_key_usage, "critical,digitalSignature") &&
           extend(x509, NID_ext_key_usage, "serverAuth") && X509_sign(x509, key, EVP_sha256()) > 0;
}

/* For the web view: without the key. */
static GTlsCertificate *show(X509 *x509, GError **error)
{
    GTlsCertificate *shown = NULL;
    BIO *text = BIO_new(BIO_s_mem());
    char *start = NULL;
    if (text != NULL && PEM_write_bio_X509(text, x509) == 1) {
        long len = BIO_get_mem_data(text, &start);
        shown = g_tls_certificate_new_from_pem(start, len, error);
    }
    BIO_free(text);
    return shown;
}

/* Nothing of a connection is kept for the next one. */
static SSL_CTX *make_server(X509 *x509, EVP_PKEY *key)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    if (server != NULL && SSL_CTX_set_min_proto_version(server, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_num_tickets(server, 0) == 1 && SSL_CTX_use_certificate(server, x509) == 1 &&
        SSL_CTX_use_PrivateKey(server, key) == 1) {
        (void)SSL_CTX_set_session_cache_mode(server, SSL_SESS_CACHE_OFF);
        (void)SSL_CTX_set_mode(server,
                               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        return server;
    }
    SSL_CTX_free(server);
    return NULL;
}

struct kp_certificate *kp_certificate_new(const char *host, GError **error)
{
    struct kp_certificate *certificate = g_new0(struct kp_certificate, 1);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    if (key != NULL && x509 != NULL && fill(x509, key, host)) {
        certificate->server = make_server(x509, key);
        certificate->pinned = show(x509, error);
    }
    X509_free(x509);
    EVP_PKEY_free(key);
    if (certificate->server != NULL && certificate->pinned != NULL)
        return certificate;
    if (error != NULL && *error == NULL)
        g_set_error_literal(error, G_TLS_ERROR, G_TLS_ERROR_MISC, "no certificate can be made");
    kp_certificate_free(certificate);
    return NULL;
}

void kp_certificate_free(struct kp_certificate *certificate)
{
    if (certificate == NULL)
        return;
    SSL_CTX_free(certificate->server);
    g_clear_object(&certificate->pinned);
    g_free(certificate);
}
