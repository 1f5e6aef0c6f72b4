SUMMARY = "HTTP parser of Node.js, a static library"
HOMEPAGE = "https://github.com/nodejs/llhttp"
LICENSE = "MIT"
# A common licence's own file: its text, without the line that says whose it is.
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/MIT;md5=0835ade698e0bcf8506ecda2f7b4f302"

# The hash is of the archive that GitHub makes, as Conan's recipe has it.
SRC_URI = "https://github.com/nodejs/llhttp/archive/refs/tags/release/v${PV}.tar.gz;downloadfilename=${BP}.tar.gz"
SRC_URI[sha256sum] = "9da0d23453e8e242cf3b2bc5d6fb70b1517b8a70520065fcbad6be787e86638e"
S = "${WORKDIR}/llhttp-release-v${PV}"

do_configure[noexec] = "1"

do_compile() {
    cd ${S}/src
    for file in api http llhttp; do
        ${CC} ${CPPFLAGS} ${CFLAGS} -fPIC -I../include -c $file.c -o ${B}/$file.o
    done
    ${AR} rcs ${B}/libllhttp.a ${B}/api.o ${B}/http.o ${B}/llhttp.o
}

do_install() {
    install -D -m 0644 ${S}/include/llhttp.h ${D}${includedir}/llhttp.h
    install -D -m 0644 ${B}/libllhttp.a ${D}${libdir}/libllhttp.a
    install -d ${D}${libdir}/pkgconfig
    printf 'libdir=%s\nincludedir=%s\n\nName: libllhttp\nDescription: HTTP parser\nVersion: %s\nLibs: -L${libdir} -lllhttp\nCflags: -I${includedir}\n' \
        ${libdir} ${includedir} ${PV} > ${D}${libdir}/pkgconfig/libllhttp.pc
}

ALLOW_EMPTY:${PN} = "1"
