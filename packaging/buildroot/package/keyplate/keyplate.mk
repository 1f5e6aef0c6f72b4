################################################################################
#
# keyplate
#
################################################################################

# No public release yet: the source is the tree that this folder lies in, and
# there is no keyplate.hash for it. With a release of your own give
# KEYPLATE_SITE and KEYPLATE_SITE_METHOD anew, and a hash.
KEYPLATE_VERSION = 0.9.0
KEYPLATE_SITE = $(abspath $(BR2_EXTERNAL_KEYPLATE_PATH)/../..)
KEYPLATE_SITE_METHOD = local
KEYPLATE_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude=/build --exclude=/build-*
KEYPLATE_LICENSE = MIT
KEYPLATE_LICENSE_FILES = LICENSE
KEYPLATE_INSTALL_STAGING = YES
KEYPLATE_DEPENDENCIES = host-pkgconf openssl inih libuv llhttp

KEYPLATE_CONF_OPTS = \
	-Dtests=false \
	-Ddemo=false \
	-Dkeyring=disabled \
	-Dsystemd=$(if $(BR2_INIT_SYSTEMD),enabled,disabled)

ifeq ($(BR2_PACKAGE_KEYPLATE_CLIENT),y)
KEYPLATE_CONF_OPTS += -Dclient=true -Dprovision=disabled
KEYPLATE_DEPENDENCIES += cjson
else
KEYPLATE_CONF_OPTS += -Dclient=false
endif

ifeq ($(BR2_PACKAGE_LIBSECCOMP),y)
KEYPLATE_CONF_OPTS += -Dseccomp=enabled
KEYPLATE_DEPENDENCIES += libseccomp
else
KEYPLATE_CONF_OPTS += -Dseccomp=disabled
endif

ifeq ($(BR2_PACKAGE_UTF8PROC),y)
KEYPLATE_CONF_OPTS += -Dutf8proc=enabled
KEYPLATE_DEPENDENCIES += utf8proc
else
KEYPLATE_CONF_OPTS += -Dutf8proc=disabled
endif

ifeq ($(BR2_PACKAGE_AVAHI_LIBAVAHI_CLIENT),y)
KEYPLATE_CONF_OPTS += -Davahi=enabled
KEYPLATE_DEPENDENCIES += avahi
else
KEYPLATE_CONF_OPTS += -Davahi=disabled
endif

define KEYPLATE_USERS
	keyplate -1 keyplate -1 * /var/lib/keyplate - - Keyplate
endef

define KEYPLATE_PERMISSIONS
	/var/lib/keyplate d 0700 keyplate keyplate - - - - -
	/var/lib/keyplate/throttle d 0700 keyplate keyplate - - - - -
endef

define KEYPLATE_INSTALL_CONF
	$(INSTALL) -D -m 0644 $(KEYPLATE_PKGDIR)/keyplate.conf \
		$(TARGET_DIR)/etc/keyplate/keyplate.conf
	mkdir -p $(TARGET_DIR)/var/lib/keyplate/throttle
endef
KEYPLATE_POST_INSTALL_TARGET_HOOKS += KEYPLATE_INSTALL_CONF

define KEYPLATE_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(KEYPLATE_PKGDIR)/S80keyplate \
		$(TARGET_DIR)/etc/init.d/S80keyplate
	mkdir -p $(TARGET_DIR)/etc/default
	printf 'FACTORY=%s\nSOCKET=\n' $(BR2_PACKAGE_KEYPLATE_FACTORY) \
		>$(TARGET_DIR)/etc/default/keyplate
endef

$(eval $(meson-package))
