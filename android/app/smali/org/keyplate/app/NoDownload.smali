# Android's download manager works in another app, which finds no NAME.localhost and may not have the secret:
# so nothing is downloaded, and that is said.
.class public final Lorg/keyplate/app/NoDownload;
.super Ljava/lang/Object;
.implements Landroid/webkit/DownloadListener;

.field private final activity:Lorg/keyplate/app/MainActivity;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/NoDownload;->activity:Lorg/keyplate/app/MainActivity;
    return-void
.end method

.method public onDownloadStart(Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;Ljava/lang/String;J)V
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/NoDownload;->activity:Lorg/keyplate/app/MainActivity;
    const-string v1, "no_download"
    invoke-static {v0, v1}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, v1}, Lorg/keyplate/app/MainActivity;->tell(Ljava/lang/String;)V
    return-void
.end method
