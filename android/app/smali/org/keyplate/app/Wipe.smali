# What a browser keeps of a device is taken away: nothing of one login is left for the next one.
.class public final Lorg/keyplate/app/Wipe;
.super Ljava/lang/Object;

# What all pages of this app share.
.method public static shared()V
    .locals 2
    invoke-static {}, Landroid/webkit/CookieManager;->getInstance()Landroid/webkit/CookieManager;
    move-result-object v0
    const/4 v1, 0x0
    invoke-virtual {v0, v1}, Landroid/webkit/CookieManager;->removeAllCookies(Landroid/webkit/ValueCallback;)V
    invoke-virtual {v0}, Landroid/webkit/CookieManager;->flush()V
    invoke-static {}, Landroid/webkit/WebStorage;->getInstance()Landroid/webkit/WebStorage;
    move-result-object v0
    invoke-virtual {v0}, Landroid/webkit/WebStorage;->deleteAllData()V
    return-void
.end method

# One page, for good.
.method public static page(Landroid/webkit/WebView;)V
    .locals 1
    invoke-virtual {p0}, Landroid/webkit/WebView;->stopLoading()V
    const-string v0, "about:blank"
    invoke-virtual {p0, v0}, Landroid/webkit/WebView;->loadUrl(Ljava/lang/String;)V
    invoke-virtual {p0}, Landroid/webkit/WebView;->clearHistory()V
    const/4 v0, 0x1
    invoke-virtual {p0, v0}, Landroid/webkit/WebView;->clearCache(Z)V
    invoke-virtual {p0}, Landroid/webkit/WebView;->clearFormData()V
    invoke-virtual {p0}, Landroid/webkit/WebView;->destroy()V
    return-void
.end method
