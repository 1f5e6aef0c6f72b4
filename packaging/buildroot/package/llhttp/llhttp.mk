################################################################################
#
# llhttp
#
################################################################################

LLHTTP_VERSION = 8.1.0
LLHTTP_SOURCE = v$(LLHTTP_VERSION).tar.gz
LLHTTP_SITE = https://github.com/nodejs/llhttp/archive/refs/tags/release
LLHTTP_LICENSE = MIT
LLHTTP_LICENSE_FILES = LICENSE-MIT
LLHTTP_INSTALL_STAGING = YES
LLHTTP_INSTALL_TARGET = NO

define LLHTTP_BUILD_CMDS
	cd $(@D)/src && for file in api http llhttp; do \
		$(TARGET_CC) $(TARGET_CFLAGS) -fPIC -I../include -c $$file.c || exit 1; \
	done
	$(TARGET_AR) rcs $(@D)/libllhttp.a $(foreach file,api http llhttp,$(@D)/src/$(file).o)
endef

define LLHTTP_INSTALL_STAGING_CMDS
	$(INSTALL) -D -m 0644 $(@D)/include/llhttp.h $(STAGING_DIR)/usr/include/llhttp.h
	$(INSTALL) -D -m 0644 $(@D)/libllhttp.a $(STAGING_DIR)/usr/lib/libllhttp.a
	mkdir -p $(STAGING_DIR)/usr/lib/pkgconfig
	printf 'prefix=/usr\nlibdir=$${prefix}/lib\nincludedir=$${prefix}/include\n\nName: libllhttp\nDescription: HTTP parser\nVersion: %s\nLibs: -L$${libdir} -lllhttp\nCflags: -I$${includedir}\n' \
		$(LLHTTP_VERSION) > $(STAGING_DIR)/usr/lib/pkgconfig/libllhttp.pc
endef

$(eval $(generic-package))
