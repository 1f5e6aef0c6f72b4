# A link that leads away from the device: asked about, and opened in another app, never in this one.
.class public final Lorg/keyplate/app/Outside;
.super Ljava/lang/Object;
.implements Landroid/content/DialogInterface$OnClickListener;

.field private final activity:Landroid/app/Activity;
.field private final link:Landroid/net/Uri;

.method private constructor <init>(Landroid/app/Activity;Landroid/net/Uri;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/Outside;->activity:Landroid/app/Activity;
    iput-object p2, p0, Lorg/keyplate/app/Outside;->link:Landroid/net/Uri;
    return-void
.end method

# Web addresses alone: other schemes start other apps, and this one.
.method public static ask(Landroid/app/Activity;Landroid/net/Uri;)V
    .locals 4
    invoke-virtual {p1}, Landroid/net/Uri;->getScheme()Ljava/lang/String;
    move-result-object v0
    const-string v1, "https"
    invoke-virtual {v1, v0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v1
    if-nez v1, :web
    const-string v1, "http"
    invoke-virtual {v1, v0}, Ljava/lang/String;->equals(Ljava/lang/Object;)Z
    move-result v1
    if-eqz v1, :over
    :web
    new-instance v0, Landroid/app/AlertDialog$Builder;
    invoke-direct {v0, p0}, Landroid/app/AlertDialog$Builder;-><init>(Landroid/content/Context;)V
    const-string v1, "outside"
    invoke-static {p0, v1}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, v1}, Landroid/app/AlertDialog$Builder;->setTitle(Ljava/lang/CharSequence;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {p1}, Landroid/net/Uri;->toString()Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, v1}, Landroid/app/AlertDialog$Builder;->setMessage(Ljava/lang/CharSequence;)Landroid/app/AlertDialog$Builder;
    new-instance v1, Lorg/keyplate/app/Outside;
    invoke-direct {v1, p0, p1}, Lorg/keyplate/app/Outside;-><init>(Landroid/app/Activity;Landroid/net/Uri;)V
    const-string v2, "outside_open"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    invoke-virtual {v0, v2, v1}, Landroid/app/AlertDialog$Builder;->setPositiveButton(Ljava/lang/CharSequence;Landroid/content/DialogInterface$OnClickListener;)Landroid/app/AlertDialog$Builder;
    const-string v2, "cancel"
    invoke-static {p0, v2}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v2
    const/4 v3, 0x0
    invoke-virtual {v0, v2, v3}, Landroid/app/AlertDialog$Builder;->setNegativeButton(Ljava/lang/CharSequence;Landroid/content/DialogInterface$OnClickListener;)Landroid/app/AlertDialog$Builder;
    invoke-virtual {v0}, Landroid/app/AlertDialog$Builder;->show()Landroid/app/AlertDialog;
    :over
    return-void
.end method

.method public onClick(Landroid/content/DialogInterface;I)V
    .locals 3
    new-instance v0, Landroid/content/Intent;
    const-string v1, "android.intent.action.VIEW"
    iget-object v2, p0, Lorg/keyplate/app/Outside;->link:Landroid/net/Uri;
    invoke-direct {v0, v1, v2}, Landroid/content/Intent;-><init>(Ljava/lang/String;Landroid/net/Uri;)V
    :try_start
    iget-object v1, p0, Lorg/keyplate/app/Outside;->activity:Landroid/app/Activity;
    invoke-virtual {v1, v0}, Landroid/app/Activity;->startActivity(Landroid/content/Intent;)V
    :try_end
    .catch Landroid/content/ActivityNotFoundException; {:try_start .. :try_end} :nobody
    return-void
    :nobody
    move-exception v0
    return-void
.end method
