# What is in res/, by name: no numbers of it are written into the code.  Every name that is asked for here
# is looked for in res/ when the app is built.
.class public final Lorg/keyplate/app/Res;
.super Ljava/lang/Object;

.method private static find(Landroid/content/Context;Ljava/lang/String;Ljava/lang/String;)I
    .locals 2
    invoke-virtual {p0}, Landroid/content/Context;->getResources()Landroid/content/res/Resources;
    move-result-object v0
    invoke-virtual {p0}, Landroid/content/Context;->getPackageName()Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, p2, p1, v1}, Landroid/content/res/Resources;->getIdentifier(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;)I
    move-result v0
    return v0
.end method

.method public static id(Landroid/content/Context;Ljava/lang/String;)I
    .locals 1
    const-string v0, "id"
    invoke-static {p0, v0, p1}, Lorg/keyplate/app/Res;->find(Landroid/content/Context;Ljava/lang/String;Ljava/lang/String;)I
    move-result v0
    return v0
.end method

.method public static layout(Landroid/content/Context;Ljava/lang/String;)I
    .locals 1
    const-string v0, "layout"
    invoke-static {p0, v0, p1}, Lorg/keyplate/app/Res;->find(Landroid/content/Context;Ljava/lang/String;Ljava/lang/String;)I
    move-result v0
    return v0
.end method

.method public static drawable(Landroid/content/Context;Ljava/lang/String;)I
    .locals 1
    const-string v0, "drawable"
    invoke-static {p0, v0, p1}, Lorg/keyplate/app/Res;->find(Landroid/content/Context;Ljava/lang/String;Ljava/lang/String;)I
    move-result v0
    return v0
.end method

.method public static text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    .locals 1
    const-string v0, "string"
    invoke-static {p0, v0, p1}, Lorg/keyplate/app/Res;->find(Landroid/content/Context;Ljava/lang/String;Ljava/lang/String;)I
    move-result v0
    invoke-virtual {p0, v0}, Landroid/content/Context;->getString(I)Ljava/lang/String;
    move-result-object v0
    return-object v0
.end method
