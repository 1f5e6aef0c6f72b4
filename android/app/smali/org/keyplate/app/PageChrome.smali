# What a page may ask of the phone: a file that a person chooses.  Camera, microphone and place stay refused,
# as WebChromeClient has it, and the page's title is shown nowhere.
.class public final Lorg/keyplate/app/PageChrome;
.super Landroid/webkit/WebChromeClient;

.field private final activity:Lorg/keyplate/app/MainActivity;

.method public constructor <init>(Lorg/keyplate/app/MainActivity;)V
    .locals 0
    invoke-direct {p0}, Landroid/webkit/WebChromeClient;-><init>()V
    iput-object p1, p0, Lorg/keyplate/app/PageChrome;->activity:Lorg/keyplate/app/MainActivity;
    return-void
.end method

.method public onShowFileChooser(Landroid/webkit/WebView;Landroid/webkit/ValueCallback;Landroid/webkit/WebChromeClient$FileChooserParams;)Z
    .locals 2
    iget-object v0, p0, Lorg/keyplate/app/PageChrome;->activity:Lorg/keyplate/app/MainActivity;
    invoke-virtual {p3}, Landroid/webkit/WebChromeClient$FileChooserParams;->createIntent()Landroid/content/Intent;
    move-result-object v1
    invoke-virtual {v0, p2, v1}, Lorg/keyplate/app/MainActivity;->chooseFile(Landroid/webkit/ValueCallback;Landroid/content/Intent;)V
    const/4 v0, 0x1
    return v0
.end method
