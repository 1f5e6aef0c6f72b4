# Whether an address is of the proved device: "http://NAME.localhost:PORT" and nothing, a slash, a question
# mark or a hash behind it.
.class public final Lorg/keyplate/app/Origin;
.super Ljava/lang/Object;

.method public static has(Ljava/lang/String;Ljava/lang/String;)Z
    .locals 3
    const/4 v2, 0x0
    if-eqz p0, :no
    invoke-virtual {p1, p0}, Ljava/lang/String;->startsWith(Ljava/lang/String;)Z
    move-result v0
    if-eqz v0, :no
    invoke-virtual {p0}, Ljava/lang/String;->length()I
    move-result v0
    if-eqz v0, :no
    invoke-virtual {p1}, Ljava/lang/String;->length()I
    move-result v1
    if-eq v0, v1, :yes
    invoke-virtual {p1, v0}, Ljava/lang/String;->charAt(I)C
    move-result v0
    const-string v1, "/?#"
    invoke-virtual {v1, v0}, Ljava/lang/String;->indexOf(I)I
    move-result v0
    if-ltz v0, :no
    :yes
    const/4 v2, 0x1
    :no
    return v2
.end method

# What a page makes by itself, and nobody else serves.
.method public static isInside(Ljava/lang/String;)Z
    .locals 1
    const-string v0, "data"
    invoke-virtual {v0, p0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-nez v0, :yes
    const-string v0, "blob"
    invoke-virtual {v0, p0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    if-nez v0, :yes
    const-string v0, "about"
    invoke-virtual {v0, p0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v0
    :yes
    return v0
.end method
