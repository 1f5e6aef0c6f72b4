# A WebView for one login: scripts and storage as pages need them; no files, no place, no second window, and
# nothing of the app that a script could call.
.class public final Lorg/keyplate/app/Page;
.super Ljava/lang/Object;

.method public static make(Lorg/keyplate/app/MainActivity;Ljava/lang/String;)Landroid/webkit/WebView;
    .locals 5
    new-instance v0, Landroid/webkit/WebView;
    invoke-direct {v0, p0}, Landroid/webkit/WebView;-><init>(Landroid/content/Context;)V
    invoke-virtual {v0}, Landroid/webkit/WebView;->getSettings()Landroid/webkit/WebSettings;
    move-result-object v1
    const/4 v2, 0x0
    const/4 v3, 0x1
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setJavaScriptEnabled(Z)V
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setDomStorageEnabled(Z)V
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setUseWideViewPort(Z)V
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setLoadWithOverviewMode(Z)V
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setBuiltInZoomControls(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setDisplayZoomControls(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setAllowFileAccess(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setAllowContentAccess(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setGeolocationEnabled(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setSupportMultipleWindows(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setJavaScriptCanOpenWindowsAutomatically(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setSaveFormData(Z)V
    invoke-virtual {v1, v2}, Landroid/webkit/WebSettings;->setSafeBrowsingEnabled(Z)V
    invoke-virtual {v1, v3}, Landroid/webkit/WebSettings;->setMixedContentMode(I)V
    invoke-static {}, Landroid/webkit/CookieManager;->getInstance()Landroid/webkit/CookieManager;
    move-result-object v4
    invoke-virtual {v4, v3}, Landroid/webkit/CookieManager;->setAcceptCookie(Z)V
    invoke-virtual {v4, v0, v2}, Landroid/webkit/CookieManager;->setAcceptThirdPartyCookies(Landroid/webkit/WebView;Z)V
    new-instance v1, Lorg/keyplate/app/PageClient;
    invoke-direct {v1, p0, p1}, Lorg/keyplate/app/PageClient;-><init>(Lorg/keyplate/app/MainActivity;Ljava/lang/String;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebViewClient(Landroid/webkit/WebViewClient;)V
    new-instance v1, Lorg/keyplate/app/PageChrome;
    invoke-direct {v1, p0}, Lorg/keyplate/app/PageChrome;-><init>(Lorg/keyplate/app/MainActivity;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setWebChromeClient(Landroid/webkit/WebChromeClient;)V
    new-instance v1, Lorg/keyplate/app/NoDownload;
    invoke-direct {v1, p0}, Lorg/keyplate/app/NoDownload;-><init>(Lorg/keyplate/app/MainActivity;)V
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setDownloadListener(Landroid/webkit/DownloadListener;)V
    # A page that fills in a form has no part in what the phone keeps of other apps' passwords.
    const/16 v1, 0x8
    invoke-virtual {v0, v1}, Landroid/webkit/WebView;->setImportantForAutofill(I)V
    return-object v0
.end method
