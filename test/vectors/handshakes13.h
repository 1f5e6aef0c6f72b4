/*
 * Two whole handshakes in BoringSSL's form, one with SHA-256 and one with SHA-384, made by a model
 * that interoperates with it: client random 00 to 1f, server random 20 to 3f, no session id, one
 * suite offered.  Messages have their header of four bytes, records theirs of five.
 */
#ifndef TEST_VECTORS_HANDSHAKES13_H
#define TEST_VECTORS_HANDSHAKES13_H

#include "crypto/aead.h"

static const struct handshake {
    enum kp_hash_id hash;
    enum kp_aead_id aead;
    const char *client_hello, *server_hello, *encrypted_extensions, *server_finished,
        *client_finished, *hash_hellos, *early_secret, *handshake_secret, *client_handshake,
        *server_handshake, *server_key, *server_iv, *client_key, *client_iv, *master_secret,
        *client_traffic, *server_traffic, *exporter, *server_record, *client_record, *data_record,
        *exported;
} handshakes[] = {
    {
        .hash = KP_HASH_SHA256,
        .aead = KP_AEAD_AES_128_GCM,
        .client_hello =
            "010000940303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000213"
            "0101000069002b00030203048a3b005e000561646d696e000e6465766963652e6578616d706c6500457d"
            "960041041e00da4b487608fddc657b7847bd2316ae295c3a88e9c62f3fd2a484835ecc85d2d1ce9cd0b2"
            "54f6faf52dd5a5856a514d3d4b33559995f1d67856d120da7e9d",
        .server_hello =
            "020000970303202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00130100"
            "006f8a3b00657d96006104f846f886121faf59a6630225283056b99f82b793e1c21ca83468dd434a109e"
            "d8462b2eb2279df2d1462e342095a56ff89de9045349b799769ce4f6e082eea5b14168577c51a2fa0558"
            "716e034d1c6544f2e7d3c2e4d23d5903bc41ecbd5f2596002b00020304",
        .encrypted_extensions = "080000020000",
        .server_finished =
            "14000020411d411f30a0445994c54860f10c91aeea4983b41996c913dc20ae13bfad7ba2",
        .client_finished =
            "14000020fdc0e9743922b21bd484cd3badfd1f305ab56db19d99f223b9ff899559743a3a",
        .hash_hellos = "2bf2f86c5c6caaea018cd07b0f48f1423b33961d140a765a5e179001f7344650",
        .early_secret = "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a",
        .handshake_secret = "4ab25c912fa02f64930c0322b69953ef7e7396ba36bca32e10c637d93a425bd2",
        .client_handshake = "c9c2a196e11836cf95b4c6249c0174d93f27780d2c855bc8b13c5865932c879e",
        .server_handshake = "1112218b24edb24499a6fafc4e9267e141434d2f666ffb8b303d4d63925a090b",
        .server_key = "7ec1c0a6713c76c38960e2b59e817507",
        .server_iv = "f0783634ac78d4bd53e7beb1",
        .client_key = "a68bea8ee224bcd79f435681e8cee9ff",
        .client_iv = "13a43ed43ec6a75c49a8085f",
        .master_secret = "94215a55c7480d996a34eaeec8794f4dd09dadaafeb35b7945b002919062c435",
        .client_traffic = "7edf025de8b8402628749ed49aa47c4ae9e72155b6c4109d61c789d2a8a32ea0",
        .server_traffic = "b49945444b591028c81780de1a23f47785a35a4fd2fe9f500f35dc943e7d5833",
        .exporter = "f83ec21a598e7ae63f336b18b11b8495f06ef0387a074780afe2566f0b489ad9",
        .server_record =
            "170303003b0ffdb3f79e2145299d23c2c88055ec8d3aad59a5aae799757c3b6217cf226e5e80411fd40c"
            "3aab87dbe573a839da94aee8669bcc9db96595ede570",
        .client_record =
            "1703030035d520a300c62947dfc153c9989b5bbea102bdc1b4170d2c42ab5ef3cc5f2c6a536e308c80cc"
            "f618b8e138e0d791280a240ef27ab2b4",
        .data_record = "1703030016e3e73195673055bde22f264a70c908376ad34425e8d0",
        .exported = "3ad88c2efe0c0bfdfcd8a731de422ea3994f80eb3a8c6f9b443e2337ff8817d1",
    },
    {
        .hash = KP_HASH_SHA384,
        .aead = KP_AEAD_AES_256_GCM,
        .client_hello =
            "010000940303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00000213"
            "0201000069002b00030203048a3b005e000561646d696e000e6465766963652e6578616d706c6500457d"
            "960041041e00da4b487608fddc657b7847bd2316ae295c3a88e9c62f3fd2a484835ecc85d2d1ce9cd0b2"
            "54f6faf52dd5a5856a514d3d4b33559995f1d67856d120da7e9d",
        .server_hello =
            "020000970303202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00130200"
            "006f8a3b00657d96006104f846f886121faf59a6630225283056b99f82b793e1c21ca83468dd434a109e"
            "d8462b2eb2279df2d1462e342095a56ff89de9045349b799769ce4f6e082eea5b14168577c51a2fa0558"
            "716e034d1c6544f2e7d3c2e4d23d5903bc41ecbd5f2596002b00020304",
        .encrypted_extensions = "080000020000",
        .server_finished =
            "14000030e0577678b95fcec26dbc7917ee74599eeb0768bf0ff632f2e9a91222ee8f4957bc3c172cf215"
            "1d8cdcec911202b9e820",
        .client_finished =
            "14000030bae6bc64f9d41b2073581bcab1b5b5af53de0c210a8948c0b1e74abbd79d45f1dc7f453050aa"
            "2d1d74d4b869ff8754df",
        .hash_hellos =
            "313858596df7e6e3bcc97916e31fa4c229b9f182757aca5f5f4cd0d17ec7865097eaf66eddeeee78c2bf"
            "ef83a5eec847",
        .early_secret =
            "7ee8206f5570023e6dc7519eb1073bc4e791ad37b5c382aa10ba18e2357e716971f9362f2c2fe2a76bfd"
            "78dfec4ea9b5",
        .handshake_secret =
            "61c9d741dc38e42b77639c8838f853d663afa6b325dd2a252d15ef523d5be079b0deafab0a64d49f2d47"
            "dd26dd8bde0f",
        .client_handshake =
            "bf9e49513ddc0dd12364687f612f191b53ca9e411e447b78cace132a4fd3e4f9303038dc8ba47aae2371"
            "bca78ae225a4",
        .server_handshake =
            "5dbcc364c2af052c81a03c1710b936b1e2264140fef50c9e68ca2d324461f5361028e69d83752d40c5d5"
            "f5bd77706fef",
        .server_key = "4adc1425b02d4c9eeb9b5bd1ed75def348c6d13dc06a012962872203cf8c8193",
        .server_iv = "593c379698b074a6f11f1603",
        .client_key = "ab723ac6f9140c0904a9409f9842ad2ffbad04541020f0b0221e917055d02328",
        .client_iv = "125d57381c547aae79621271",
        .master_secret =
            "e09ec0e062ad88ff645e65c7f8a3424a518bba79bb8012904d9019abdb947fa676455b970795542eb66c"
            "04a2f161aebd",
        .client_traffic =
            "18a2edcb1c68e0acf617a2da3b69e4147c2c4c160d807de3d5ca1f09064fa7fb996efc26248c111b623b"
            "069ede75e6bc",
        .server_traffic =
            "d27aaa4bc2180d30e55ac6f4afb93fe2e0371546f92ff29bd99fc392af672bcdf86d1f4932574841f971"
            "8df15a4b896b",
        .exporter =
            "341ff63712a4657075e14108bc426edfa0ae51fc7290e1e1e3a8951784aa57e66d806dacc1bfb3496a90"
            "39a556c3c91e",
        .server_record =
            "170303004b7aa867f6e46ea90a51e15fc9af112762b64bb413c5a7d21f02e28409ab44eda9567e71be72"
            "6a836563e31ed0a9da064aab0dadb5f0b599c9f89427213bf9da49c15e311fa3df1c0d4598fc",
        .client_record =
            "170303004548411f777e4c527ba61cffb7c778398d22c746f50a266b7da3563889a77155e7994671fc62"
            "de2e275a77784e6b1448c6d3f3013b255833698250c2423a28b34bacb7e9d1f4",
        .data_record = "17030300165a52298b81b7013cb4368258834dc297d4ba94c996bb",
        .exported = "73237caeb7ced5c61e8aac4246ea29bc4e85e54c5ae5691b9dc70987ff52a204",
    },
};

#endif
