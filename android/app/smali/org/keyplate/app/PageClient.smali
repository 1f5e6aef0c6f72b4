# What a page may load: the device's own origin.  Other links are asked about and leave the app; whatever
# else a page wants from elsewhere is answered with nothing (403).
.class public final Lorg/keyplate/app/PageClient;
.super Landroid/webkit/WebViewClient;

.field private final activity:Lorg/keyplate/app/MainActivity;
.field private final origin:Ljava/lang/String;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;Ljava/lang/String;)V
    .locals 0
    invoke-direct {p0}, Landroid/webkit/WebViewClient;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/PageClient;->activity:Lorg/keyplate/app/MainActivity;
    iput-object p2, p0, Lorg/keyplate/app/PageClient;->origin:Ljava/lang/String;
    return-void
.end method

# On the main thread.
.method public shouldOverrideUrlLoading(Landroid/webkit/WebView;Landroid/webkit/WebResourceRequest;)Z
    .locals 3
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->getUrl()Landroid/net/Uri;
    move-result-object v0
    invoke-virtual {v0}, Landroid/net/Uri;->toString()Ljava/lang/String;
    move-result-object v1
    iget-object v2, p0, Lorg/keyplate/app/PageClient;->origin:Ljava/lang/String;
    invoke-static {v2, v1}, Lorg/keyplate/app/Origin;->has(Ljava/lang/String;Ljava/lang/String;)Z
    move-result v1
    if-nez v1, :own
    # Only where a person has touched the page: no page sends anybody away by itself.
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->isForMainFrame()Z
    move-result v1
    if-eqz v1, :stop
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->hasGesture()Z
    move-result v1
    if-eqz v1, :stop
    iget-object v1, p0, Lorg/keyplate/app/PageClient;->activity:Lorg/keyplate/app/MainActivity;
    invoke-static {v1, v0}, Lorg/keyplate/app/Outside;->ask(Landroid/app/Activity;Landroid/net/Uri;)V
    :stop
    const/4 v0, 0x1
    return v0
    :own
    const/4 v0, 0x0
    return v0
.end method

# On a thread of the browser's.
.method public shouldInterceptRequest(Landroid/webkit/WebView;Landroid/webkit/WebResourceRequest;)Landroid/webkit/WebResourceResponse;
    .locals 8
    invoke-interface {p2}, Landroid/webkit/WebResourceRequest;->getUrl()Landroid/net/Uri;
    move-result-object v0
    invoke-virtual {v0}, Landroid/net/Uri;->toString()Ljava/lang/String;
    move-result-object v1
    iget-object v2, p0, Lorg/keyplate/app/PageClient;->origin:Ljava/lang/String;
    invoke-static {v2, v1}, Lorg/keyplate/app/Origin;->has(Ljava/lang/String;Ljava/lang/String;)Z
    move-result v1
    if-nez v1, :own
    invoke-virtual {v0}, Landroid/net/Uri;->getScheme()Ljava/lang/String;
    move-result-object v1
    invoke-static {v1}, Lorg/keyplate/app/Origin;->isInside(Ljava/lang/String;)Z
    move-result v1
    if-nez v1, :own
    new-instance v0, Landroid/webkit/WebResourceResponse;
    const-string v1, "text/plain"
    const-string v2, "utf-8"
    const/16 v3, 0x193
    const-string v4, "Forbidden"
    invoke-static {}, Ljava/util/Collections;->emptyMap()Ljava/util/Map;
    move-result-object v5
    new-instance v6, Ljava/io/ByteArrayInputStream;
    const/4 v7, 0x0
    new-array v7, v7, [B
    invoke-direct {v6, v7}, Ljava/io/ByteArrayInputStream;-><init>([B)V
    invoke-direct/range {v0 .. v6}, Landroid/webkit/WebResourceResponse;-><init>(Ljava/lang/String;Ljava/lang/String;ILjava/lang/String;Ljava/util/Map;Ljava/io/InputStream;)V
    return-object v0
    :own
    const/4 v0, 0x0
    return-object v0
.end method

# The page's process is gone; the app's own goes on.
.method public onRenderProcessGone(Landroid/webkit/WebView;Landroid/webkit/RenderProcessGoneDetail;)Z
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/PageClient;->activity:Lorg/keyplate/app/MainActivity;
    const-string v1, "page_gone"
    invoke-static {v0, v1}, Lorg/keyplate/app/Res;->text(Landroid/content/Context;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v1
    invoke-virtual {v0, v1}, Lorg/keyplate/app/MainActivity;->logOut(Ljava/lang/String;)V
    const/4 v0, 0x1
    return v0
.end method
