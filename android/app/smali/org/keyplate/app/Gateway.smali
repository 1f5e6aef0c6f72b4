# The gateway: the client's agent as a process of this app, which alone knows keys and speaks to devices.
# It ends when its standard input does, so also when this app ends.  For the main thread.
.class public final Lorg/keyplate/app/Gateway;
.super Ljava/lang/Object;

.field private out:Ljava/io/OutputStream;
.field private number:I

.method public constructor <init>()V
    .locals 0
    invoke-direct {p0}, Ljava/lang/Object;-><init>()V
    return-void
.end method

# The path of a folder that nobody else may look into; made if it isn't there.
.method private static folder(Ljava/io/File;Ljava/lang/String;)Ljava/lang/String;
    .locals 2
    new-instance v0, Ljava/io/File;
    invoke-direct {v0, p0, p1}, Ljava/io/File;-><init>(Ljava/io/File;Ljava/lang/String;)V
    invoke-virtual {v0}, Ljava/io/File;->mkdirs()Z
    invoke-virtual {v0}, Ljava/io/File;->getPath()Ljava/lang/String;
    move-result-object v0
    const/16 v1, 0x1c0 # 0700
    invoke-static {v0, v1}, Landroid/system/Os;->chmod(Ljava/lang/String;I)V
    return-object v0
.end method

# An environment of its own: what it keeps is in the app's own folder.
.method private static surround(Ljava/lang/ProcessBuilder;Landroid/content/Context;)V
    .locals 5
    invoke-virtual {p0}, Ljava/lang/ProcessBuilder;->environment()Ljava/util/Map;
    move-result-object v0
    invoke-interface {v0}, Ljava/util/Map;->clear()V
    invoke-virtual {p1}, Landroid/content/Context;->getFilesDir()Ljava/io/File;
    move-result-object v1
    invoke-virtual {p0, v1}, Ljava/lang/ProcessBuilder;->directory(Ljava/io/File;)Ljava/lang/ProcessBuilder;
    const-string v2, "HOME"
    invoke-virtual {v1}, Ljava/io/File;->getPath()Ljava/lang/String;
    move-result-object v3
    invoke-interface {v0, v2, v3}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;
    const-string v2, "XDG_STATE_HOME"
    const-string v3, "state"
    invoke-static {v1, v3}, Lorg/keyplate/app/Gateway;->folder(Ljava/io/File;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-interface {v0, v2, v3}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;
    const-string v2, "XDG_RUNTIME_DIR"
    const-string v3, "run"
    invoke-static {v1, v3}, Lorg/keyplate/app/Gateway;->folder(Ljava/io/File;Ljava/lang/String;)Ljava/lang/String;
    move-result-object v3
    invoke-interface {v0, v2, v3}, Ljava/util/Map;->put(Ljava/lang/Object;Ljava/lang/Object;)Ljava/lang/Object;
    # What it says on standard error is in its messages, too.
    new-instance v1, Ljava/io/File;
    const-string v2, "/dev/null"
    invoke-direct {v1, v2}, Ljava/io/File;-><init>(Ljava/lang/String;)V
    invoke-static {v1}, Ljava/lang/ProcessBuilder$Redirect;->to(Ljava/io/File;)Ljava/lang/ProcessBuilder$Redirect;
    move-result-object v1
    invoke-virtual {p0, v1}, Ljava/lang/ProcessBuilder;->redirectError(Ljava/lang/ProcessBuilder$Redirect;)Ljava/lang/ProcessBuilder;
    return-void
.end method

# Starts it; what it says goes to "to".  Throws what ProcessBuilder throws.
.method public start(Landroid/content/Context;Landroid/os/Handler;)V
    .locals 5
    invoke-virtual {p1}, Landroid/content/Context;->getApplicationInfo()Landroid/content/pm/ApplicationInfo;
    move-result-object v0
    iget-object v0, v0, Landroid/content/pm/ApplicationInfo;->nativeLibraryDir:Ljava/lang/String;
    new-instance v1, Ljava/io/File;
    const-string v2, "libkeyplate-gateway.so"
    invoke-direct {v1, v0, v2}, Ljava/io/File;-><init>(Ljava/lang/String;Ljava/lang/String;)V
    invoke-virtual {v1}, Ljava/io/File;->getPath()Ljava/lang/String;
    move-result-object v0
    const/4 v1, 0x2
    new-array v1, v1, [Ljava/lang/String;
    const/4 v2, 0x0
    aput-object v0, v1, v2
    const/4 v2, 0x1
    const-string v3, "agent"
    aput-object v3, v1, v2
    new-instance v0, Ljava/lang/ProcessBuilder;
    invoke-direct {v0, v1}, Ljava/lang/ProcessBuilder;-><init>([Ljava/lang/String;)V
    invoke-static {v0, p1}, Lorg/keyplate/app/Gateway;->surround(Ljava/lang/ProcessBuilder;Landroid/content/Context;)V
    invoke-virtual {v0}, Ljava/lang/ProcessBuilder;->start()Ljava/lang/Process;
    move-result-object v0
    invoke-virtual {v0}, Ljava/lang/Process;->getOutputStream()Ljava/io/OutputStream;
    move-result-object v1
    iput-object v1, p0, Lorg/keyplate/app/Gateway;->out:Ljava/io/OutputStream;
    invoke-virtual {v0}, Ljava/lang/Process;->getInputStream()Ljava/io/InputStream;
    move-result-object v0
    new-instance v1, Lorg/keyplate/app/Reader;
    invoke-direct {v1, p0, v0, p2}, Lorg/keyplate/app/Reader;-><init>(Lorg/keyplate/app/Gateway;Ljava/io/InputStream;Landroid/os/Handler;)V
    new-instance v2, Ljava/lang/Thread;
    invoke-direct {v2, v1}, Ljava/lang/Thread;-><init>(Ljava/lang/Runnable;)V
    invoke-virtual {v2}, Ljava/lang/Thread;->start()V
    return-void
.end method

# Sends a request; returns its id, or -1: it can't be sent, and the reader will say that it is over.
.method public ask(Ljava/lang/String;Lorg/json/JSONObject;)I
    .locals 2
    iget v0, p0, Lorg/keyplate/app/Gateway;->number:I
    add-int/lit8 v0, v0, 0x1
    iput v0, p0, Lorg/keyplate/app/Gateway;->number:I
    :try_start
    const-string v1, "id"
    invoke-virtual {p2, v1, v0}, Lorg/json/JSONObject;->put(Ljava/lang/String;I)Lorg/json/JSONObject;
    const-string v1, "type"
    invoke-virtual {p2, v1, p1}, Lorg/json/JSONObject;->put(Ljava/lang/String;Ljava/lang/Object;)Lorg/json/JSONObject;
    iget-object v1, p0, Lorg/keyplate/app/Gateway;->out:Ljava/io/OutputStream;
    invoke-static {v1, p2}, Lorg/keyplate/app/Frames;->write(Ljava/io/OutputStream;Lorg/json/JSONObject;)V
    :try_end
    .catch Ljava/lang/Exception; {:try_start .. :try_end} :failed
    return v0
    :failed
    move-exception v1
    const/4 v0, -0x1
    return v0
.end method

# It logs out what is logged in, and ends.
.method public end()V
    .locals 1
    :try_start
    iget-object v0, p0, Lorg/keyplate/app/Gateway;->out:Ljava/io/OutputStream;
    invoke-virtual {v0}, Ljava/io/OutputStream;->close()V
    :try_end
    .catch Ljava/lang/Exception; {:try_start .. :try_end} :failed
    return-void
    :failed
    move-exception v0
    return-void
.end method
