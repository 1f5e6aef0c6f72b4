# Who is proved, by which protocol, and since when.
.class public final Lorg/keyplate/app/Details;
.super Ljava/lang/Object;

.method private static line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    .locals 2
    invoke-virtual {p1, p2}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v0
    invoke-virtual {v0}, Ljava/lang/String;->length()I
    move-result v1
    if-eqz v1, :over
    invoke-virtual {p0, v0}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    const-string v0, "\n"
    invoke-virtual {p0, v0}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    :over
    return-void
.end method

.method public static show(Landroid/app/Activity;Lorg/json/JSONObject;)V
    .locals 7
    new-instance v0, Ljava/lang/StringBuilder;
    invoke-direct {v0}, Ljava/lang/StringBuilder;-><init>()V
    const-string v1, "where"
    invoke-static {v0, p1, v1}, Lorg/keyplate/app/Details;->line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    const-string v1, "user"
    invoke-static {v0, p1, v1}, Lorg/keyplate/app/Details;->line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    const-string v1, "device_id"
    invoke-static {v0, p1, v1}, Lorg/keyplate/app/Details;->line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    const-string v1, "protocol"
    invoke-static {v0, p1, v1}, Lorg/keyplate/app/Details;->line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    const-string v1, "suite"
    invoke-static {v0, p1, v1}, Lorg/keyplate/app/Details;->line(Ljava/lang/StringBuilder;Lorg/json/JSONObject;Ljava/lang/String;)V
    const-string v1, "since"
    invoke-virtual {p1, v1}, Lorg/json/JSONObject;->optLong(Ljava/lang/String;)J
    move-result-wide v1
    const-wide/16 v3, 0x3e8
    mul-long/2addr v1, v3
    new-instance v3, Ljava/util/Date;
    invoke-direct {v3, v1, v2}, Ljava/util/Date;-><init>(J)V
    invoke-static {}, Ljava/text/DateFormat;->getDateTimeInstance()Ljava/text/DateFormat;
    move-result-object v1
    invoke-virtual {v1, v3}, Ljava/text/DateFormat;->format(Ljava/util/Date;)Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, v1}, Ljava/lang/StringBuilder;->append(Ljava/lang/String;)Ljava/lang/StringBuilder;
    new-instance v2, Landroid/app/AlertDialog$Builder;
    invoke-direct {v2, p0}, Landroid/app/AlertDialog$Builder;-><init>(Landroid/content/Context;)V
    const-string v1, "name"
    invoke-virtual {p1, v1}, Lorg/json/JSONObject;->optString(Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v2, v1}, Landroid/app/AlertDialog$Builder;->setTitle(Ljava/lang/CharSequence;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v2, v0}, Landroid/app/AlertDialog$Builder;->setMessage(Ljava/lang/CharSequence;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v2}, Landroid/app/AlertDialog$Builder;->show()Landroid/app/AlertDialog;
    return-void
.end method
