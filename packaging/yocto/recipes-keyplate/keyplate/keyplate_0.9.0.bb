SUMMARY = "TLS keyed by the password on a device's label"
DESCRIPTION = "Stands in front of the device's web server (keyplate serve) and keeps its passwords (keyplate passwd)."
LICENSE = "MIT"
LIC_FILES_CHKSUM = "file://LICENSE;md5=ca401f561c762a2f72302bf6e8aac633"

# No public release yet: the source is the tree that the layer lies in (conf/layer.conf).  With a release
# of your own, give SRC_URI its address and hash and take externalsrc out.
SRC_URI = ""
inherit externalsrc
EXTERNALSRC = "${KEYPLATE_SOURCE}"

DEPENDS = "openssl libuv libinih llhttp"

inherit meson pkgconfig python3native useradd systemd update-rc.d

EXTRA_OEMESON = "-Dtests=false -Ddemo=false -Dkeyring=disabled"

PACKAGECONFIG ??= "seccomp ${@bb.utils.filter('DISTRO_FEATURES', 'systemd', d)}"
PACKAGECONFIG[seccomp] = "-Dseccomp=enabled,-Dseccomp=disabled,libseccomp"
PACKAGECONFIG[utf8] = "-Dutf8proc=enabled,-Dutf8proc=disabled,utf8proc"
PACKAGECONFIG[avahi] = "-Davahi=enabled,-Davahi=disabled,avahi"
PACKAGECONFIG[client] = "-Dclient=true -Dprovision=disabled,-Dclient=false,cjson"
PACKAGECONFIG[systemd] = "-Dsystemd=enabled -Dsystemdsystemunitdir=${systemd_system_unitdir},-Dsystemd=disabled"

USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --home-dir ${localstatedir}/lib/keyplate --no-create-home --shell /sbin/nologin --user-group keyplate"

# Not started before there are credentials: make them, then enable it.
SYSTEMD_SERVICE:${PN} = "${@bb.utils.contains('PACKAGECONFIG', 'systemd', 'keyplate.service keyplate-passwd.service', '', d)}"
SYSTEMD_AUTO_ENABLE:${PN} = "disable"
INITSCRIPT_NAME = "keyplate"
INITSCRIPT_PARAMS = "defaults 80"

# externalsrc unpacks nothing: the file is taken where it lies.
KEYPLATE_FILES := "${THISDIR}/files"

do_install:append() {
    install -D -m 0644 ${KEYPLATE_FILES}/keyplate.conf ${D}${sysconfdir}/keyplate/keyplate.conf
    install -d -m 0700 -o keyplate -g keyplate ${D}${localstatedir}/lib/keyplate ${D}${localstatedir}/lib/keyplate/throttle
    if ${@bb.utils.contains('DISTRO_FEATURES', 'sysvinit', 'true', 'false', d)}; then
        install -D -m 0755 ${KEYPLATE_SOURCE}/packaging/buildroot/package/keyplate/S80keyplate ${D}${sysconfdir}/init.d/keyplate
    fi
}

PACKAGES =+ "lib${BPN}"
FILES:lib${BPN} = "${libdir}/libkeyplate.so.*"
FILES:${PN} += "${systemd_system_unitdir} ${nonarch_libdir}/sysusers.d ${nonarch_libdir}/tmpfiles.d ${datadir}/bash-completion ${datadir}/zsh ${datadir}/fish"
CONFFILES:${PN} = "${sysconfdir}/keyplate/keyplate.conf"
