# Native messaging, as doc/agent.md has it: four bytes of length in the machine's own order (the least
# significant first, on both machines), then so much JSON in UTF-8.
.class public final Lorg/keyplate/app/Frames;
.super Ljava/lang/Object;

# The next message; null if it is none that the gateway may send.
.method public static read(Ljava/io/DataInputStream;)Lorg/json/JSONObject;
    .locals 4
    invoke-virtual {p0}, Ljava/io/DataInputStream;->readInt()I
    move-result v0
    invoke-static {v0}, Ljava/lang/Integer;->reverseBytes(I)I
    move-result v0
    if-lez v0, :none
    const v1, 0x100000
    if-gt v0, v1, :none
    new-array v1, v0, [B
    invoke-virtual {p0, v1}, Ljava/io/DataInputStream;->readFully([B)V
    new-instance v2, Ljava/lang/String;
    sget-object v3, Ljava/nio/charset/StandardCharsets;->UTF_8:Ljava/nio/charset/Charset;
    invoke-direct {v2, v1, v3}, Ljava/lang/String;-><init>([BLjava/nio/charset/Charset;)V
    new-instance v0, Lorg/json/JSONObject;
    invoke-direct {v0, v2}, Lorg/json/JSONObject;-><init>(Ljava/lang/String;)V
    return-object v0
    :none
    const/4 v0, 0x0
    return-object v0
.end method

.method public static write(Ljava/io/OutputStream;Lorg/json/JSONObject;)V
    .locals 4
    invoke-virtual {p1}, Lorg/json/JSONObject;->toString()Ljava/lang/String;
    move-result-object v0
    sget-object v1, Ljava/nio/charset/StandardCharsets;->UTF_8:Ljava/nio/charset/Charset;
    invoke-virtual {v0, v1}, Ljava/lang/String;->getBytes(Ljava/nio/charset/Charset;)[B
    move-result-object v0
    new-instance v1, Ljava/io/DataOutputStream;
    invoke-direct {v1, p0}, Ljava/io/DataOutputStream;-><init>(Ljava/io/OutputStream;)V
    array-length v2, v0
    invoke-static {v2}, Ljava/lang/Integer;->reverseBytes(I)I
    move-result v3
    invoke-virtual {v1, v3}, Ljava/io/DataOutputStream;->writeInt(I)V
    const/4 v3, 0x0
    invoke-virtual {v1, v0, v3, v2}, Ljava/io/DataOutputStream;->write([BII)V
    invoke-virtual {v1}, Ljava/io/DataOutputStream;->flush()V
    # It may have had the password in it.
    invoke-static {v0, v3}, Ljava/util/Arrays;->fill([BB)V
    return-void
.end method
